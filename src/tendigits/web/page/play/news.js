// News for screen readers: one message every two seconds at most, with the latest of each kind.

import { find } from "../shared/dom.js";

const GAP_MS = 2000;

const announced = {}; // kind -> its latest text
let waiting = {};
let timer = 0; // 0: nothing waits

export function tell(kind, text) {
  if (announced[kind] === text) return;
  announced[kind] = waiting[kind] = text;
  if (timer) return;
  timer = setTimeout(() => {
    find("play-news").textContent = Object.values(waiting).join(" ");
    [waiting, timer] = [{}, 0];
  }, GAP_MS);
}
