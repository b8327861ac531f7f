// Make and find elements. Data becomes text, never markup.

/** @type {(id: string) => any} */
export const find = (id) => document.getElementById(id);

export const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * Make an element; the name of an SVG's begins with "svg:", and an attribute such as `onclick` is a listener.
 * @returns {any}
 */
export function element(name, attributes = {}, ...children) {
  const made = name.startsWith("svg:")
    ? document.createElementNS("http://www.w3.org/2000/svg", name.slice(4))
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== null && value !== false)
      made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export const button = (text, onclick, attributes = {}) =>
  element("button", { type: "button", ...attributes, onclick }, text);

export const span = (text, kind) => element("span", { class: kind }, text);

// The attributes of an SVG rectangle.
export const rectOf = ([left, top, right, bottom]) => ({ x: left, y: top, width: right - left, height: bottom - top });

export function save(file, name) {
  const link = element("a", { href: URL.createObjectURL(file), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/; // what a spreadsheet may take for a formula, as in tables/table.py
const NUMBER = /^[-+]?\d+([.,]\d+)?$/;

// Save rows as a CSV file; cells with commas are quoted, and those that look like formulas get an apostrophe in front.
export function saveCsv(rows, name) {
  const cell = (value) => {
    const text = FORMULA.test(value) && !NUMBER.test(value) ? `'${value}` : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  save(new Blob([`${rows.map((row) => row.map(cell).join(",")).join("\n")}\n`], { type: "text/csv" }), name);
}

// Let one finger drag on this element; gestures with two are left to the browser. The style touch-action alone is not enough:
// Chromium takes a quick stroke for a fling and the next tap for its end.
export function dragsOnly(place) {
  place.addEventListener("touchmove", (event) => {
    if (event.touches.length === 1) event.preventDefault();
  });
}

// Show a text; an unchanged one is left alone, so that screen readers do not repeat it.
export function announce(id, text) {
  if (find(id).textContent !== text) find(id).textContent = text;
}

// Call `take` with the files that a person chooses, also with the same ones again.
export function onFiles(id, take) {
  find(id).addEventListener("change", (event) => {
    const files = [...event.target.files];
    event.target.value = "";
    if (files.length) take(files);
  });
}

export const onFile = (id, take) => onFiles(id, ([file]) => take(file));

const MESSAGE_GAP = 8; // pixels between the message and what is below it
let hiding;

// Show a message at the bottom of the window, or above what can be used there; `action` adds a button: {name, do}.
export function notify(text, action = null, kind = "shown") {
  const act = () => {
    hideMessage();
    action.do();
  };
  find("toast").replaceChildren(text, ...(action ? [button(action.name, act)] : []));
  find("toast").className = kind;
  placeMessage();
  addEventListener("scroll", placeMessage);
  clearTimeout(hiding);
  hiding = setTimeout(hideMessage, 8000);
}

const USABLE = "button, .button, a, input, select, summary, #bar, td.current"; // what the message must not cover
const READ = `${USABLE}, td`; // and what it should not

// Place the message where it covers as little as possible; also after what is below it has moved.
export function placeMessage() {
  const toast = find("toast");
  if (!toast.className) return;
  toast.style.bottom = `${freeBottom(toast, READ) ?? freeBottom(toast, USABLE) ?? MESSAGE_GAP}px`;
}

function freeBottom(toast, covered) {
  const used = [...document.querySelectorAll(covered)]
    .filter((each) => !toast.contains(each))
    .map((each) => each.getBoundingClientRect());
  const { left, right, height } = toast.getBoundingClientRect();
  const isFree = (bottom) =>
    used.every(
      (box) =>
        box.right < left ||
        right < box.left ||
        box.bottom < innerHeight - bottom - height ||
        innerHeight - bottom < box.top,
    );
  let bottom = MESSAGE_GAP;
  while (bottom + height < innerHeight && !isFree(bottom)) bottom += MESSAGE_GAP;
  return bottom + height < innerHeight ? bottom : null;
}

// Show an error there; the next attempt hides it.
export function notifyError(text) {
  notify(text, null, "shown error");
}

function clearError() {
  if (find("toast").classList.contains("error")) hideMessage();
}

export function hideMessage() {
  find("toast").className = "";
  removeEventListener("scroll", placeMessage);
}

export async function trying(work) {
  clearError();
  try {
    return await work();
  } catch (error) {
    notifyError(error.message);
    return undefined;
  }
}
