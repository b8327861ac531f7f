// Make a sheet to print: the server writes the PDF.

import { askFile } from "../shared/api.js";
import { find, save, trying } from "../shared/dom.js";

export function startSheets() {
  const roster = find("sheet-roster");
  roster.addEventListener("input", () => { find("sheet-each").disabled = !roster.value.trim(); });
  find("make-sheet").addEventListener("click", () => trying(async () => {
    const json = { columns: find("sheet-columns").value, title: find("sheet-title").value, roster: roster.value };
    const chosen = { rows: Number(find("sheet-rows").value), each: find("sheet-each").matches(":checked:enabled") };
    save(await askFile("v1/sheets", { method: "POST", json: { ...json, ...chosen } }), `${json.title || "sheet"}.pdf`);
  }));
}
