// A form: a person marks its fields on the picture, saves them as a file, and reads them in pictures of filled forms.

import { ARROWS, dragsOnly, element, find, notify, onFile, rectOf, save, trying } from "../shared/dom.js";
import { readFilled, showFilled, startFilled } from "./filled.js";

const MIN_DRAG_PIXELS = 8; // of the screen; a shorter drag is a click
const CORNER_PIXELS = 20; // of the screen, around the corner that resizes a box

let picture = null; // the file of the form's picture, which may be a document
let page = null; // the API's response for its page; `form` has the names and boxes of its fields, `filled` the filled forms
let whenChanged; // called after each change of a person
let fields = []; // each with its box, in pixels of the picture, and its elements: shape, row, input
let chosen = null; // the current field
let key = ""; // the text of the file with the answers
let drag = null; // while a pointer is down: {at, field, resize, before}: where it began, the field that it changes, and how

// Offer the page that was opened as a form, with the fields that were marked on it and the filled forms that were read before.
// `changed` is called after each change of a person.
export function showForm(file, read, changed) {
  cancel();
  if (picture !== file) find("form").open = false;
  for (const field of fields) remove(field);
  [picture, page, whenChanged] = [file, read, changed];
  const { named, top } = read.form ?? { named: [], top: read.turned };
  for (const [name, box] of named) add(box, name);
  choose(null);
  find("form-top").value = top;
  find("marks").setAttribute("viewBox", `0 0 ${read.size[0]} ${read.size[1]}`);
  find("marks").setAttribute("preserveAspectRatio", "none");
  if (read.filled) showFilled(read.filled, changed);
}

// After whatever may have changed the fields.
function remember() {
  if (!page.form && !fields.length) return;
  page.form = { named: fields.map(({ input, box }) => [input.value, box]), top: find("form-top").value };
  whenChanged();
}

export function startForms() {
  const marks = find("marks");
  find("form").addEventListener("toggle", () => { for (const each of [marks, find("fields")]) each.toggleAttribute("hidden", !find("form").open); });
  marks.addEventListener("pointerdown", begin);
  marks.addEventListener("pointermove", follow);
  marks.addEventListener("pointerup", end);
  marks.addEventListener("pointercancel", cancel);
  dragsOnly(marks);
  addEventListener("keydown", (event) => { if (event.key === "Escape") cancel(); });
  for (const place of [marks, find("fields"), find("form")]) for (const kind of ["pointerup", "click", "keyup", "change"]) place.addEventListener(kind, remember);
  find("add-field").addEventListener("click", () => {
    const [width, height] = page.size;
    const box = chosen ? moved(chosen.box, 0, 1.5 * (chosen.box[3] - chosen.box[1])) : [0.4 * width, 0.48 * height, 0.6 * width, 0.52 * height];
    add(box.map(Math.round)).shape.focus();
  });
  find("save-form").addEventListener("click", () => {
    const named = checked();
    if (named) save(new Blob([toml(named)], { type: "application/toml" }), `${picture.name.replace(/\.[^.]*$/, "")}.toml`);
  });
  find("save-picture").addEventListener("click", () => save(picture, picture.name));
  find("filled").addEventListener("change", async (event) => {
    const input = event.target;
    const [files, named] = [[...input.files], checked()];
    input.value = "";
    if (!named) return;
    input.disabled = true;
    page.filled = { names: named.map(([name]) => name), rows: [], key };
    showFilled(page.filled, whenChanged);
    await readFilled({ picture, key, page: page.page_number, named, turned: find("form-top").value, expect: find("form-expect").value }, files);
    input.disabled = false;
  });
  onFile("key", (file) => trying(async () => {
    key = await file.text();
    find("key-name").textContent = file.name;
  }));
  startFilled();
}

// The pointer's position in pixels of the picture, and how many of these one pixel of the screen has.
function place(event) {
  const { left, top, width, height } = find("marks").getBoundingClientRect();
  return { x: clamp((event.clientX - left) / width, 0, 1) * page.size[0], y: clamp((event.clientY - top) / height, 0, 1) * page.size[1], unit: page.size[0] / width };
}

const clamp = (value, min, max) => Math.min(Math.max(value, min), max);
const holds = ([left, top, right, bottom], { x, y }) => left <= x && x <= right && top <= y && y <= bottom;
const isCorner = ([, , right, bottom], { x, y, unit }) => Math.hypot(x - right, y - bottom) <= CORNER_PIXELS * unit;
const step = () => Math.max(...page.size) / 200; // pixels per key
const isSmall = (box) => Math.min(box[2] - box[0], box[3] - box[1]) < Math.max(4, step());

function begin(event) {
  if (!event.isPrimary || event.button !== 0) return;
  event.preventDefault();
  find("marks").setPointerCapture(event.pointerId);
  const at = place(event);
  const resize = chosen !== null && isCorner(chosen.box, at);
  const field = resize ? chosen : fields.findLast((each) => holds(each.box, at)) ?? null;
  drag = { at, field, resize: resize || field === null, before: field?.box ?? null };
  field?.shape.focus({ preventScroll: true });
}

function follow(event) {
  if (!drag) return;
  const { x, y, unit } = place(event);
  const [across, down] = [x - drag.at.x, y - drag.at.y];
  const start = [drag.at.x, drag.at.y, drag.at.x, drag.at.y];
  if (!drag.field && Math.hypot(across, down) >= MIN_DRAG_PIXELS * unit) drag.field = add(start);
  if (drag.field) move(drag.field, moved(drag.before ?? start, across, down, drag.resize));
}

function end(event) {
  if (!drag) return;
  const { at, field, before } = drag;
  if (field && isSmall(field.box)) { cancel(); return; }
  drag = null;
  const number = field ? null : page.numbers.find((each) => holds(each.box, at));
  if (number) {
    const margin = (number.box[3] - number.box[1]) / 4;
    add(moved(moved(number.box, -margin, -margin), 2 * margin, 2 * margin, true));
  } else if (field && !before && event.pointerType === "mouse") rename(field); // on a phone the keyboard would cover the picture
}

function cancel() {
  if (drag?.before) move(drag.field, drag.before);
  else if (drag?.field) remove(drag.field);
  drag = null;
}

// A box after it, or with `resize` its lower right corner, was moved within the picture.
function moved(box, across, down, resize = false) {
  const [left, top, right, bottom] = box;
  const [width, height] = page.size;
  if (resize) {
    const [x, y] = [clamp(right + across, 0, width), clamp(bottom + down, 0, height)];
    return [Math.min(left, x), Math.min(top, y), Math.max(left, x), Math.max(top, y)].map(Math.round);
  }
  const [x, y] = [clamp(across, -left, width - right), clamp(down, -top, height - bottom)].map(Math.round);
  return [left + x, top + y, right + x, bottom + y];
}

function add(box, name = freeName()) {
  const field = { box, input: null, row: null, shape: null };
  const choosing = { onfocus: () => choose(field) };
  field.input = element("input", { type: "text", value: name, maxlength: 100, autocomplete: "off", "aria-label": "Name", oninput: () => move(field, field.box), ...choosing });
  field.row = element("li", {}, field.input, element("button", { type: "button", onclick: () => remove(field) }, "Delete"));
  field.shape = element("svg:g", { class: "field", tabindex: 0, role: "button", "aria-describedby": "form-help", onkeydown: (event) => pressed(event, field), ...choosing },
    element("svg:rect"), element("svg:circle", { r: 2 * step() }));
  fields.push(field);
  find("fields").append(field.row);
  find("marks").append(field.shape);
  move(field, box);
  choose(field);
  return field;
}

function freeName() {
  const names = fields.map((each) => each.input.value);
  return Array.from({ length: fields.length + 1 }, (_, i) => `field_${i + 1}`).find((name) => !names.includes(name));
}

function remove(field) {
  fields = fields.filter((each) => each !== field);
  field.row.remove();
  field.shape.remove();
  if (chosen === field) chosen = null;
}

function move(field, box) {
  const [left, top, right, bottom] = box;
  field.box = box;
  const [width, height] = page.size;
  const [rect, circle] = field.shape.children; // which stay, because a finger may be on one of them
  const set = (shape, attributes) => { for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value); };
  set(rect, rectOf(box));
  set(circle, { cx: right, cy: bottom });
  const isOnTheRight = left + right > width; // the name is aligned with the box's nearer side
  Object.assign(field.row.style, { bottom: `${100 * (1 - top / height)}%`, left: isOnTheRight ? "" : `${(100 * left) / width}%`, right: isOnTheRight ? `${100 * (1 - right / width)}%` : "" });
  field.shape.setAttribute("aria-label", `${field.input.value}: ${right - left} by ${bottom - top} pixels at ${left}, ${top}`);
}

function choose(field) {
  chosen = field;
  for (const each of fields) for (const part of [each.row, each.shape]) part.classList.toggle("chosen", each === field);
}

function rename({ input }) {
  input.focus({ preventScroll: true });
  input.select();
}

function pressed(event, field) {
  if (event.key in ARROWS) {
    const [across, down] = ARROWS[event.key].map((sign) => sign * Math.ceil(step()));
    const box = moved(field.box, across, down, event.shiftKey);
    if (!isSmall(box)) move(field, box);
  } else if (event.key === "Enter") rename(field);
  else if (event.key === "Delete" || event.key === "Backspace") remove(field);
  else return;
  event.preventDefault();
}

// The names and boxes of all fields; null after a message if a name is missing or used twice.
function checked() {
  const named = fields.map(({ input, box }) => [input.value.trim(), box]);
  const names = named.map(([name]) => name);
  const wrong = names.findIndex((name, i) => name === "" || names.indexOf(name) !== i);
  if (!names.length) notify("Draw a box around a place that people fill in.");
  else if (wrong >= 0) {
    notify(names[wrong] ? `Two fields are called ${names[wrong]}: each needs its own name.` : "Each field needs a name.");
    fields[wrong].input.focus();
  } else return named;
  return null;
}

// The file that load_form in read/forms.py reads.
function toml(named) {
  const quoted = (text) => JSON.stringify(text).replaceAll("\x7f", "\\u007f");
  const entries = named.map(([name, box]) => `${/^[\w-]+$/.test(name) ? name : quoted(name)} = [${box.join(", ")}]`);
  const turned = find("form-top").value;
  const address = page.page_number === 1 ? picture.name : `${picture.name}#page=${page.page_number}`;
  return [`picture = ${quoted(address)}`, ...(turned === "0" ? [] : [`turned = ${turned}`]), "", "[fields]", ...entries, ""].join("\n");
}
