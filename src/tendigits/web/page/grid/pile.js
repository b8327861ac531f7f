// Photos of the pages of printed sheets: the server joins them into one table for each sheet, and says what is missing or there twice.

import { CSV, ask, askTables } from "../shared/api.js";
import { element, find, save, trying } from "../shared/dom.js";
import { stripCanvas } from "../shared/pixels.js";
import { plural } from "../shared/text.js";
import { isFilled, isHeads } from "./table.js";

const DELAY = 300; // milliseconds after a change
const MAX_OPTIONS = 20; // of a cell that the server takes

let photos = []; // the pages that show a sheet, if they are to be joined
let nUnread = 0; // other pages of the document
let requestOf; // makes the request of a grid
let whenJoined; // called after what is doubtful may have changed
let tables = []; // of the sheets, {title, rows}; each cell has its `place`: the photo, row and column where it was read
let waiting; // the timer of the next request

// `show` is called with a page, a row and a column that a person selects, `joined` when cells may have become doubtful.
export function startPile({ request, show, joined }) {
  [requestOf, whenJoined] = [request, joined];
  find("pile-csv").addEventListener("click", () => trying(async () => save(await askTables(await joinedTables(), CSV), "sheets.csv")));
  find("pile-tables").addEventListener("click", (event) => {
    const cell = event.target.closest("button");
    if (!cell) return;
    const { photo, row, column } = tables[cell.dataset.table].rows[cell.dataset.row][cell.dataset.column].place;
    show(photo, row, column);
  });
}

// Join the pages that show a sheet, soon; nothing is shown if there is nothing to join and nothing is missing.
export function joinLater(pages) {
  clearTimeout(waiting);
  photos = pages.filter((page) => page?.sheet && page.grids.length);
  nUnread = pages.filter((page) => page === null).length;
  if (photos.length > 1 || photos.some(({ sheet }) => sheet.n_pages > 1 || sheet.n_students > 1)) {
    waiting = setTimeout(join, DELAY);
    return;
  }
  [photos, tables] = [[], []];
  find("pile").hidden = true;
}

// The joined tables as the API takes them, as they are now: empty without any.
export async function joinedTables() {
  clearTimeout(waiting);
  if (!photos.length) return [];
  await join();
  return tables.map(({ title, rows }) => ({ name: title, rows: rows.map((cells) => cells.map((cell) => ({
    value: cell.value, number: cell.number, confidence: cell.confidence, accepted: cell.accepted, fits: cell.fits, reason: cell.reason,
    options: cell.options.slice(0, MAX_OPTIONS), strip: wordOf(cell),
  }))) }));
}

const cellAt = ({ photo, row, column }) => photo.grids[0].rows[row]?.[column]; // rows may have been left out since
const wordOf = ({ value, place }) => (place && !value && cellAt(place)?.strip) || null;

async function join() {
  const joining = photos;
  const places = []; // of the cells that are sent, row by row; null for a cell of heads that a person has left out
  const sent = joining.map((photo) => {
    const { rows, ...table } = requestOf(photo.grids[0]);
    const heads = isHeads(photo.grids[0].rows[0]) ? [] : [rows[0].map(() => ({ value: "" }))];
    places.push(...heads.flat().map(() => null), ...rows.flatMap((cells, row) => cells.map((_, column) => ({ photo, row, column }))));
    return { picture: photo.pictureName, sheet: photo.sheet, table: { ...table, rows: [...heads, ...rows] } };
  });
  const asked = ask("v1/sheets/join", { method: "POST", json: { pages: sent } });
  const answer = await asked.catch((error) => ({ tables: [], notices: [`The sheets were not joined: ${error.message}`] }));
  if (joining !== photos) return; // other pages are shown meanwhile
  tables = answer.tables.map(({ title, rows }) => ({ title, rows: rows.map((cells) => cells.map((cell) => ({ ...cell, place: places[cell.index] ?? null }))) }));
  doubtTwins();
  const wrong = answer.tables.flatMap((each) => each.wrong.map((text) => `${each.title}: ${text}`));
  show([...(nUnread ? [`${plural(nUnread, "page")} of the document not read yet`] : []), ...answer.notices, ...wrong]);
  whenJoined();
}

// Of two photos of one page, what differs is doubtful in the first one, and nothing in the other one that stands in both.
function doubtTwins() {
  const first = new Map();
  for (const photo of photos) {
    const key = JSON.stringify(photo.sheet);
    const other = first.get(key);
    if (other) {
      other.isTwin = true;
      photo.grids[0].rows.forEach((cells, row) => {
        const joined = (cell) => (row < other.grids[0].rows.length ? { doubtful: false } : { doubtful: isFilled(cell), reason: "nothing in the other photo" });
        for (const cell of cells) cell.joined = joined(cell);
      });
    } else first.set(key, photo);
  }
  for (const { value, accepted, reason, options, confidence, place } of tables.flatMap(({ rows }) => rows.flat())) {
    if (!place?.photo.isTwin) continue;
    const cell = cellAt(place);
    const isRead = value === cell.value;
    const isAlike = isRead && options[0]?.[0] === cell.options[0]?.[0]; // else what the other photo shows is the first option
    const others = isRead ? options : [[value, confidence], ...options.filter(([other]) => other !== cell.value)];
    cell.joined = { doubtful: !accepted, reason, ...(isAlike ? {} : { options: others }) };
  }
}

function show(notices) {
  find("pile").hidden = tables.length === 0 && notices.length === 0;
  find("pile-notices").replaceChildren(...notices.map((notice) => element("li", {}, notice)));
  find("pile-csv").disabled = tables.length === 0;
  find("pile-tables").replaceChildren(...tables.map(({ title, rows }, table) => element("table", { class: "joined" }, element("caption", {}, title),
    element("tbody", {}, ...rows.map((cells, row) => element("tr", {}, ...cells.map((cell, column) => elementOf(cell, { table, row, column }))))))));
}

function elementOf(cell, { table, row, column }) {
  const name = row === 0 ? "th" : "td";
  const word = wordOf(cell);
  if (cell.accepted || !cell.place) return element(name, { class: cell.accepted ? null : "doubtful" }, word ? stripCanvas(word, "a word") : cell.value);
  const at = { "data-table": table, "data-row": row, "data-column": column };
  return element(name, { class: "doubtful", title: cell.reason }, element("button", { type: "button", class: "plain", ...at }, cell.value || "?"));
}
