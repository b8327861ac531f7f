// The pad in a notebook: the kernel reads the drawing while the pen moves.

import { addBars } from "../page/shared/bars.js";
import { element } from "../page/shared/dom.js";
import { Layers } from "../page/shared/layers.js";
import { pngOf } from "../page/shared/pixels.js";
import { mayBeNumber, numberOf, showDigit, showFailure, showNumber, showSeen } from "../page/shared/prediction.js";
import { Strokes } from "../page/shared/strokes.js";
import { page } from "./page.js";

const SEND_MS = 70; // between two drawings that are sent
const BUSY_MS = 1000; // without an answer, before the kernel is called busy

// Show the pad of `model` in the cell's output `el`. A shadow root separates the notebook's styles from the pad's.
export function render({ model, el }) {
  // JupyterLab does not handle keys inside of elements with this attribute.
  const host = element("div", { class: "tendigits-pad", "data-lm-suppress-shortcuts": "true" });
  el.append(host);
  const shadow = host.attachShadow({ mode: "open" });
  shadow.innerHTML = `<style>${page.styles}</style>${page.html}`;
  const [section, pad, undo, clear, place, bars, seen, help, layersPlace] =
    ["draw", "pad", "pad-undo", "pad-clear", "prediction", "bars", "seen", "seen-help", "layers"].map((id) => shadow.getElementById(id));
  // The heading and the second network belong to the server's page.
  for (const each of shadow.querySelectorAll("h1, .row:has(select), .sides > [hidden]")) each.remove();
  section.removeAttribute("aria-labelledby");
  section.setAttribute("aria-label", "Draw a digit or a number");
  section.hidden = false;
  addBars(bars);

  let pending = null; // timer of the drawing that will be sent next
  let waiting; // timer of the answer
  let sent; // the strokes that were sent last
  const layers = new Layers(layersPlace);
  const strokes = new Strokes({ pad, undo, clear }, () => { pending ??= setTimeout(send, SEND_MS); }, 0);

  function send() {
    pending = null;
    const rounded = strokes.strokes.map((points) => points.map((point) => point.map(Math.round)));
    if (!rounded.length && !model.get("_strokes").length) return; // it was empty before
    sent = rounded;
    model.set("drawing", pngOf(strokes.drawing()));
    model.set("_strokes", rounded);
    model.save_changes();
    clearTimeout(waiting);
    waiting = setTimeout(() => showHint(place, "Waiting for the kernel, which is busy …"), BUSY_MS);
  }

  function show() {
    clearTimeout(waiting);
    const { digit, numbers, layers: found, not_shown: notShown, error } = model.get("_answer");
    if (error) {
      showFailure(place, bars, error);
      showSeen(seen, help, null);
      layers.clear();
      return;
    }
    const number = digit && mayBeNumber(digit) ? numberOf(numbers) : null;
    if (number) showNumber(place, bars, number);
    else showDigit(place, bars, digit);
    showSeen(seen, help, digit, number);
    if (layers.maps.length !== found.length) layers.buildAs(found);
    if (!found.length) showHint(layersPlace, notShown ? `Layers are not shown: ${notShown}` : "This network has no hidden layers to show.");
    if (digit && !number) layers.show(found);
    else layers.clear();
  }

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
