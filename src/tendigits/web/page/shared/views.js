// The views of one document, of which one is visible: the one that the address names, or the first.

import { find } from "./dom.js";

export function startViews(views) {
  const names = Object.keys(views);
  const show = () => {
    const wanted = location.hash.slice(1);
    const view = names.includes(wanted) ? wanted : names[0];
    for (const name of names) find(name).hidden = name !== view;
    for (const link of document.querySelectorAll("nav a")) {
      if (link.getAttribute("href") === `#${view}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    document.title = `${document.querySelector(`#${view} h1`).textContent} · tendigits`;
    views[view]?.();
  };
  addEventListener("hashchange", () => { show(); find("main").focus(); });
  show();
}
