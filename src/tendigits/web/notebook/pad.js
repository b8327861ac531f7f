// The pad in a notebook: the kernel reads the drawing while the pen moves.

import { element } from "../page/shared/dom.js";
import { pngOf } from "../page/shared/pixels.js";
import { Prediction, mayBeNumber, numberOf } from "../page/shared/prediction.js";
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
  const find = (id) => shadow.getElementById(id);
  // The heading and the second network belong to the server's page.
  for (const each of shadow.querySelectorAll("h1, .row:has(select), .sides > [hidden]")) each.remove();
  find("draw").removeAttribute("aria-labelledby");
  find("draw").setAttribute("aria-label", "Draw a digit or a number");
  find("draw").hidden = false;

  let pending = null; // timer of the drawing that will be sent next
  let waiting; // timer of the answer
  let sent; // the strokes that were sent last
  const prediction = new Prediction(find);
  const strokes = new Strokes(find, "pad", () => { pending ??= setTimeout(send, SEND_MS); }, 0);

  function send() {
    pending = null;
    const rounded = strokes.strokes.map((points) => points.map((point) => point.map(Math.round)));
    if (!rounded.length && !model.get("_strokes").length) return; // it was empty before
    sent = rounded;
    model.set("drawing", pngOf(strokes.drawing()));
    model.set("_strokes", rounded);
    model.save_changes();
    clearTimeout(waiting);
    const hint = element("span", { class: "hint" }, "Waiting for the kernel, which is busy …");
    waiting = setTimeout(() => prediction.place.replaceChildren(hint), BUSY_MS);
  }

  function show() {
    clearTimeout(waiting);
    const { digit, numbers, layers, not_shown: notShown, error } = model.get("_answer");
    if (error) {
      prediction.fail(error);
      prediction.layers.clear();
      return;
    }
    const number = digit && mayBeNumber(digit) ? numberOf(numbers) : null;
    prediction.show(digit, number);
    const isBuilt = layers.length && prediction.layers.maps.length === layers.length;
    if (!isBuilt) prediction.buildLayers(layers, notShown ? `Layers are not shown: ${notShown}` : undefined);
    if (digit && !number) prediction.layers.show(layers);
    else prediction.layers.clear();
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
