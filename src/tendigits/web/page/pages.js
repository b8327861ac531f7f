// The pages of one document, one of them visible: the one that the address names, else the first.

import { find } from "./dom.js";

// `pages` has a function for each page, called when it is shown, or null.
export function startPages(pages) {
  const names = Object.keys(pages);
  const show = () => {
    const wanted = location.hash.slice(1);
    const page = names.includes(wanted) ? wanted : names[0];
    for (const name of names) find(name).hidden = name !== page;
    for (const link of document.querySelectorAll("nav a")) {
      if (link.hash === `#${page}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    document.title = `${document.querySelector(`#${page} h1`).textContent} · tendigits`;
    pages[page]?.();
  };
  addEventListener("hashchange", () => { show(); find("main").focus(); });
  show();
}
