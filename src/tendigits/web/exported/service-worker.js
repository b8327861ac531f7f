// After one visit over https, or of localhost, the playground opens without a network. web/playground.py fills in files and version.

const FILES = $files;
const VERSION = "tendigits-$version";

addEventListener("install", (event) => event.waitUntil(caches.open(VERSION).then((cache) => cache.addAll(FILES))));

addEventListener("activate", (event) => {
  const isOld = (name) => name.startsWith("tendigits-") && name !== VERSION;
  event.waitUntil(caches.keys().then((names) => Promise.all(names.filter(isOld).map((name) => caches.delete(name)))));
});

addEventListener("fetch", (event) => {
  const kept = caches.match(event.request, { cacheName: VERSION, ignoreSearch: true });
  event.respondWith(kept.then((answer) => answer ?? fetch(event.request)));
});
