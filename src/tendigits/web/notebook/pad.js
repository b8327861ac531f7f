// The pad in a notebook: the kernel reads the drawing while the pen moves.

import { pngOf } from "./api.js";
import { element } from "./dom.js";
import { startLayers } from "./layers.js";
import { page } from "./page.js";
import { addBars, mayBeNumber, numberOf, showDigit, showFailure, showNumber, showSeen } from "./prediction.js";
import { startStrokes } from "./strokes.js";

const PACE = 70; // milliseconds between two drawings that are sent
const PATIENCE = 1000; // milliseconds without an answer from which it is said that the kernel is busy

// Show the pad of `model` in the cell's output `el`. In a shadow root the notebook's styles and the pad's keep apart.
export function render({ model, el }) {
  // JupyterLab leaves the keys to what has this attribute.
  const host = element("div", { class: "tendigits-pad", "data-lm-suppress-shortcuts": "true" });
  el.append(host);
  const shadow = host.attachShadow({ mode: "open" });
  shadow.innerHTML = `<style>${page.styles}</style>${page.html}`;
  const [section, pad, undo, clear, place, bars, seen, help, layers] =
    ["draw", "pad", "pad-undo", "pad-clear", "prediction", "bars", "seen", "seen-help", "layers"].map((id) => shadow.getElementById(id));
  for (const each of shadow.querySelectorAll("h1, .row:has(select), .sides > [hidden]")) each.remove(); // of a page, of two networks
  section.removeAttribute("aria-labelledby");
  section.setAttribute("aria-label", "Draw a digit or a number");
  section.hidden = false;
  addBars(bars);

  let pending = null; // a drawing that will be sent
  let waiting; // for an answer
  let sent; // the strokes that were sent last
  const maps = startLayers(layers, null);
  const strokes = startStrokes({ pad, undo, clear }, () => { pending ??= setTimeout(send, PACE); }, 0);

  // A drawing that is sent while the kernel still reads another one waits, and a newer one takes its place.
  function send() {
    pending = null;
    const lines = strokes.strokes.map((points) => points.map((point) => point.map(Math.round)));
    if (!lines.length && !model.get("_strokes").length) return; // it was empty before
    sent = lines;
    model.set("drawing", pngOf(strokes.drawing()));
    model.set("_strokes", lines);
    model.save_changes();
    clearTimeout(waiting);
    waiting = setTimeout(() => showHint(place, "Waiting for the kernel, which is busy …"), PATIENCE);
  }

  function show() {
    clearTimeout(waiting);
    const { digit, lines, layers: found, not_shown: notShown, error } = model.get("_answer");
    if (error) {
      showFailure(place, bars, error);
      showSeen(seen, help, null);
      maps.clear();
      return;
    }
    const number = digit && mayBeNumber(digit) ? numberOf(lines) : null;
    if (number) showNumber(place, bars, number);
    else showDigit(place, bars, digit);
    showSeen(seen, help, digit, number);
    if (maps.maps.length !== found.length) maps.buildAs(found);
    if (!found.length) showHint(layers, notShown ? `Layers are not shown: ${notShown}` : "This network has no hidden layers to show.");
    if (digit && !number) maps.show(found);
    else maps.clear();
  }

  // Another view of this pad was drawn on.
  function follow() {
    if (model.get("_strokes") !== sent) strokes.replace(model.get("_strokes"));
  }

  follow();
  show();
  model.on("change:_answer", show);
  model.on("change:_strokes", follow);
  return () => {
    clearTimeout(pending);
    clearTimeout(waiting);
    model.off("change:_answer", show);
    model.off("change:_strokes", follow);
  };
}

function showHint(place, text) {
  place.replaceChildren(element("span", { class: "hint" }, text));
}
