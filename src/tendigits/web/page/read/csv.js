// Tables of text as CSV files.

import { save } from "../shared/dom.js";

const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/; // what a spreadsheet may take for a formula, as in tables/table.py
const NUMBER = /^[-+]?\d+([.,]\d+)?$/;

// Save rows; cells with commas are quoted, and those that look like formulas get an apostrophe in front.
export function saveCsv(rows, name) {
  const cell = (value) => {
    const text = FORMULA.test(value) && !NUMBER.test(value) ? `'${value}` : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  save(new Blob([`${rows.map((row) => row.map(cell).join(",")).join("\n")}\n`], { type: "text/csv" }), name);
}
