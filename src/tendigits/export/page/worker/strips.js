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

// A strip: the `picture` of a number; the `matrix` from its pixels to the page's; its `scale`; and the number's `ends` in it.
export function cutStrip(pyramid, place, scale) {
  const unit = place.height / (DIGIT * scale); // pixels of the page for one of the strip
  const width = Math.min(WIDEST, GRID * Math.max(6, even((place.length + 2 * MARGIN * place.height) / unit / GRID)));
  const [cos, sin] = [Math.cos(place.angle), Math.sin(place.angle)];
  const matrix = [
    [unit * cos, unit * -sin, place.x - unit * ((cos * width) / 2 - (sin * HEIGHT) / 2)],
    [unit * sin, unit * cos, place.y - unit * ((sin * width) / 2 + (cos * HEIGHT) / 2)],
  ];
  const copy = pyramid(unit);
  const size = copy.width / pyramid(1).width;
  const half = place.length / unit / 2;
  return { picture: warped(copy, ofCentres(matrix, size), width, HEIGHT), matrix, scale, ends: [width / 2 - half, width / 2 + half] };
}

// The same map for OpenCV, which gives a pixel's middle the coordinates 0, 0 where we give it 0.5, 0.5.
function ofCentres(matrix, size) {
  return matrix.map((row) => {
    const [a, b, c] = row.map((value) => value * size);
    return [a, b, c + 0.5 * a + 0.5 * b - 0.5];
  });
}

// The upright box, in pixels of the page, around a box of the strip.
export function inPicture(strip, box) {
  return around(corners(strip, box));
}

// The upright box, in pixels of another strip, around a box of this one.
export function inStrip(strip, box, other) {
  const [[a, b, left], [c, d, top]] = other.matrix;
  const area = a * d - b * c;
  return around(corners(strip, box).map(([x, y]) =>
    [(d * (x - left) - b * (y - top)) / area, (a * (y - top) - c * (x - left)) / area]));
}

// Where a point of the strip lies on the page.
export function onPage({ matrix }, x, y) {
  return matrix.map(([a, b, c]) => a * x + b * y + c);
}

function corners(strip, [left, top, right, bottom]) {
  return [[left, top], [right, top], [right, bottom], [left, bottom]].map(([x, y]) => onPage(strip, x, y));
}

function around(points) {
  const [x, y] = [points.map((point) => point[0]), points.map((point) => point[1])];
  return [least(x), least(y), most(x), most(y)];
}
