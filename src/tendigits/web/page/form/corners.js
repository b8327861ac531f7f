// Where a form lies in a picture: a person puts four numbered points on its corners.

import { ARROWS, dragsOnly, element, find } from "../shared/dom.js";

const STEP = 0.005; // of the picture's width and height, per key
const START = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]];

let corners = []; // x and y of each, as fractions of the picture's width and height, from the form's upper left clockwise
let held = null; // the index of the one that a pointer moves

export function startCorners() {
  const marks = find("corner-marks");
  marks.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    marks.setPointerCapture(event.pointerId);
    const [x, y] = place(event);
    const { width, height } = marks.getBoundingClientRect();
    const distances = corners.map(([left, top]) => Math.hypot((left - x) * width, (top - y) * height));
    held = distances.indexOf(Math.min(...distances));
    move(held, x, y);
    marks.children[held + 1].focus({ preventScroll: true });
  });
  marks.addEventListener("pointermove", (event) => { if (held !== null) move(held, ...place(event)); });
  for (const kind of ["pointerup", "pointercancel"]) marks.addEventListener(kind, () => { held = null; });
  dragsOnly(marks);
  find("turn-corners").addEventListener("click", () => { corners.push(corners.shift()); draw(); });
}

// The corners that a person shows in a picture, a file that the browser can show; null if the dialog was cancelled.
export async function askCorners(picture) {
  const [dialog, image] = [find("corners"), find("corner-picture")];
  image.src = URL.createObjectURL(picture);
  await image.decode();
  corners = START.map((corner) => [...corner]);
  draw();
  dialog.returnValue = ""; // which Escape leaves as it is
  dialog.showModal();
  await new Promise((resolve) => { dialog.addEventListener("close", resolve, { once: true }); });
  URL.revokeObjectURL(image.src);
  return dialog.returnValue === "read" ? corners : null;
}

function place({ clientX, clientY }) {
  const { left, top, width, height } = find("corner-marks").getBoundingClientRect();
  return [(clientX - left) / width, (clientY - top) / height];
}

function move(index, x, y) {
  corners[index] = [x, y].map((share) => Math.min(Math.max(share, 0), 1));
  draw();
}

function draw() {
  const { naturalWidth: width, naturalHeight: height } = find("corner-picture");
  const marks = find("corner-marks");
  marks.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const radius = Math.max(width, height) / 40;
  const points = corners.map(([x, y]) => [x * width, y * height]);
  if (marks.children.length === 0) {
    marks.append(element("svg:polygon"), ...points.map((_, i) => element("svg:g", { class: "corner", tabindex: 0, role: "button", "aria-describedby": "corners-help", onkeydown: (event) => pressed(event, i) },
      element("svg:circle"), element("svg:text", {}, `${i + 1}`))));
  }
  const [outline, ...handles] = marks.children;
  outline.setAttribute("points", points.join(" "));
  handles.forEach((handle, i) => {
    handle.setAttribute("transform", `translate(${points[i]}) scale(${radius})`);
    handle.setAttribute("aria-label", `Corner ${i + 1}: ${corners[i].map((share) => `${Math.round(100 * share)}%`).join(", ")}`);
  });
}

function pressed(event, index) {
  if (!(event.key in ARROWS)) return;
  event.preventDefault();
  const [[x, y], [across, down]] = [corners[index], ARROWS[event.key]];
  move(index, x + STEP * across, y + STEP * down);
}
