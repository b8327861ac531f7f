// Pictures of filled forms: each is read with the form, and is a row of a table and of a CSV.

import { ask, drawStrip, plural } from "./api.js";
import { element, find } from "./dom.js";
import { saveCsv } from "./picture.js";

let names = []; // of the fields
let rows = []; // of each picture its path, and its cells or the error

export function startFilled() {
  find("forms-csv").addEventListener("click", () => saveCsv([["path", ...names, "to check"], ...rows.map(csvRow)], "forms.csv"));
}

// `form` has the file of its picture, which page of it, the pairs of a name and a box, and by how many degrees the picture
// is turned. Each page of a document is a row.
export async function readFilled(form, files) {
  [names, rows] = [form.named.map(([name]) => name), []];
  find("form-names").replaceChildren(...["picture", ...names].map((name) => element("th", { scope: "col" }, name)));
  find("form-rows").replaceChildren();
  find("forms").hidden = false;
  find("forms").scrollIntoView({ block: "nearest" });
  const waiting = files.map((file) => ({ file, number: 1 }));
  while (waiting.length) {
    find("forms-state").textContent = `reading ${rows.length + 1} of ${rows.length + waiting.length} ...`;
    const { file, number } = waiting.shift();
    const { n_pages, ...row } = await read(form, file, number);
    if (number === 1) waiting.unshift(...Array.from({ length: n_pages - 1 }, (_, i) => ({ file, number: i + 2 })));
    rows.push(row);
    const cells = row.error === undefined ? names.map((name) => cellOf(row, name)) : [element("td", { class: "doubt", colspan: names.length }, row.error)];
    find("form-rows").append(element("tr", {}, element("th", { scope: "row" }, row.path), ...cells));
  }
  summarize();
}

async function read(form, file, number) {
  const body = new FormData();
  body.append("picture", form.picture);
  body.append("fields", JSON.stringify(Object.fromEntries(form.named)));
  body.append("picture_page", form.page);
  body.append("turned", form.turned);
  body.append("image", file);
  try {
    const { pages: [page] } = await ask(`v1/forms?crops=true&page=${number}`, { method: "POST", body });
    const row = { path: page.n_pages > 1 ? `${file.name}#page=${number}` : file.name, n_pages: page.n_pages };
    if (page.error !== null) return { ...row, error: page.error };
    return { ...row, cells: names.map((name) => ({ ...page.fields[name], strip: page.numbers[page.fields[name].index]?.strip })) };
  } catch (error) {
    return { path: number > 1 ? `${file.name}#page=${number}` : file.name, n_pages: 1, error: error.message };
  }
}

// A cell that can be changed; where it is doubtful, with the reason and the number as the reader saw it.
function cellOf(row, name) {
  const cell = row.cells[names.indexOf(name)];
  const input = element("input", { type: "text", value: cell.value, autocomplete: "off", spellcheck: "false", "aria-label": `${name} in ${row.path}` });
  const doubts = [];
  if (!cell.accepted && cell.strip) {
    const canvas = element("canvas", { class: "strip", role: "img", "aria-label": "The number as the reader saw it" });
    drawStrip(canvas, cell.strip);
    doubts.push(canvas);
  }
  if (!cell.accepted) doubts.push(element("span", { class: "doubt" }, cell.reason));
  const made = element("td", { class: cell.accepted ? "" : "doubtful" }, input, ...doubts);
  const settle = () => {
    Object.assign(cell, { value: input.value.trim(), accepted: true });
    made.className = "";
    for (const doubt of doubts) doubt.remove();
    summarize();
  };
  input.addEventListener("change", settle);
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    settle();
    find("form-rows").querySelector(".doubtful input")?.focus();
  });
  return made;
}

function summarize() {
  const cells = rows.flatMap((row) => row.cells ?? []);
  const failed = rows.filter((row) => row.error !== undefined).length;
  const parts = [plural(rows.length, "picture"), `${plural(cells.filter((cell) => !cell.accepted).length, "cell")} to check`];
  find("forms-state").textContent = [...parts, ...(failed ? [`${failed} not read`] : [])].join(", ");
}

// As `tendigits read --form` writes it; a picture that could not be read has the reason in its last column.
function csvRow({ path, cells, error }) {
  if (error !== undefined) return [path, ...names.map(() => ""), error];
  return [path, ...cells.map((cell) => cell.value), names.filter((_, i) => !cells[i].accepted).join("; ")];
}
