// Cut numbers out of a page, upright and of one height; lines/strips.py in JavaScript.

import { even, least, most } from "./arrays.js";
import { constants } from "./constants.js";
import { shrunk, warped } from "./resize.js";

const { DIGIT, GRID, HEIGHT, MARGIN, WIDEST } = constants["lines.strips"];

// The page and copies of half its size, a quarter, ...: gives the smallest that is at least 1 / shrink of its size.
export function makePyramid(grey) {
  const made = [grey];
  return (shrink) => {
    const level = Math.floor(Math.log2(Math.max(shrink, 1)));
    while (made.length <= level && Math.min(made.at(-1).width, made.at(-1).height) > 1) {
      const { width, height } = made.at(-1);
      made.push(shrunk(made.at(-1), Math.max(1, Math.floor(width / 2)), Math.max(1, Math.floor(height / 2))));
    }
    return made[Math.min(level, made.length - 1)];
  };
}

// A strip: the `picture` of a number; the `matrix` from its pixels to the page's; and the number's `ends` in it.
export function cutStrip(pyramid, place, { scale, stretch, lean }) {
  const unit = place.height / (DIGIT * scale); // pixels of the page for one of the strip
  const length = ((place.length + 2 * MARGIN * place.height) / unit) * stretch;
  const width = Math.min(WIDEST, GRID * Math.max(6, even(length / GRID)));
  const [cos, sin] = [Math.cos(place.angle), Math.sin(place.angle)];
  const across = [(unit / stretch) * cos, (unit / stretch) * sin];
  const down = [unit * (-sin + lean * cos), unit * (cos + lean * sin)];
  const matrix = [place.x, place.y].map((middle, i) =>
    [across[i], down[i], middle - (across[i] * width) / 2 - (down[i] * HEIGHT) / 2]);
  const copy = pyramid(unit);
  const size = copy.width / pyramid(1).width;
  const half = ((place.length / unit) * stretch) / 2;
  return { picture: warped(copy, ofCentres(matrix, size), width, HEIGHT), matrix, ends: [width / 2 - half, width / 2 + half] };
}

// The same map for OpenCV, which gives a pixel's middle the coordinates 0, 0 where we give it 0.5, 0.5.
function ofCentres(matrix, size) {
  return matrix.map((row) => {
    const [a, b, c] = row.map((value) => value * size);
    return [a, b, c + 0.5 * a + 0.5 * b - 0.5];
  });
}

// The upright box, in pixels of the page, around a box of the strip.
export function inPicture(strip, [left, top, right, bottom]) {
  const points = [[left, top], [right, top], [right, bottom], [left, bottom]].map(([x, y]) => onPage(strip, x, y));
  const [x, y] = [points.map((point) => point[0]), points.map((point) => point[1])];
  return [least(x), least(y), most(x), most(y)];
}

// The box in another strip of the same direction, of the same size on the page.
export function inStrip(strip, [left, top, right, bottom], other) {
  const [pageX, pageY] = onPage(strip, (left + right) / 2, (top + bottom) / 2);
  const [[a, b, x0], [c, d, y0]] = other.matrix;
  const area = a * d - b * c;
  const [x, y] = [(d * (pageX - x0) - b * (pageY - y0)) / area, (a * (pageY - y0) - c * (pageX - x0)) / area];
  const [own, others] = [unitsOf(strip), unitsOf(other)];
  const [width, height] = [((right - left) * own[0]) / others[0], ((bottom - top) * own[1]) / others[1]];
  return [x - width / 2, y - height / 2, x + width / 2, y + height / 2];
}

// The width and the height of a strip's pixel, in pixels of the page.
function unitsOf({ matrix: [[a, b], [c, d]] }) {
  const width = Math.hypot(a, c);
  return [width, Math.abs(a * d - b * c) / width];
}

// Where a point of the strip lies on the page.
export function onPage({ matrix }, x, y) {
  return matrix.map(([a, b, c]) => a * x + b * y + c);
}
