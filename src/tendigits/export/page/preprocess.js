// Grey pixels of a drawing -> the 28x28 crop that the network sees, step by step as the Python package makes it:
// find.py, foreground.py, segment.py and data/preprocess.py, resizing as OpenCV and Pillow do. tests/export/test_web.py
// compares the two. What only photos need is left out: shade in which the border says nothing, pictures under 64 pixels.

const DIGIT_SIDE = 160;
const FAINTEST = 14;
const NOISE = 3;
const [WEAK, STRONG] = [80, 140];
const FIELD = 28;
const BOX = 20;
const FOREGROUND = 0.1;

// `grey` holds width * height pixels, row by row. Returns 784 bytes, white on black; all 0 if there is no digit.
export function preprocess(grey, width, height) {
  let picture = { pixels: grey, width, height };
  const longest = Math.max(width, height);
  if (longest > DIGIT_SIDE) {
    picture = shrunk(picture, Math.max(1, even((width * DIGIT_SIDE) / longest)), Math.max(1, even((height * DIGIT_SIDE) / longest)));
  }
  const foreground = findForeground(picture);
  const digit = foreground && mainComponent(foreground);
  return digit ? normalised(digit) : new Uint8Array(FIELD * FIELD);
}

// Halves go to the even neighbour, as in Python and NumPy.
function even(value) {
  const whole = Math.floor(value);
  const rest = value - whole;
  return rest > 0.5 || (rest === 0.5 && whole % 2) ? whole + 1 : whole;
}

function image(width, height, pixels = new Uint8Array(width * height)) {
  return { pixels, width, height };
}

// --- OpenCV's INTER_AREA: each pixel is the mean of the area that it covers, in float32.

function shares(size, smaller) {
  const scale = size / smaller;
  const found = [];
  for (let to = 0; to < smaller; to++) {
    const [start, stop] = [to * scale, to * scale + scale];
    const cell = Math.min(scale, size - start);
    const last = Math.min(Math.floor(stop), size - 1);
    const first = Math.min(Math.ceil(start), last);
    const row = [];
    if (first - start > 1e-3) row.push([first - 1, Math.fround((first - start) / cell)]);
    for (let from = first; from < last; from++) row.push([from, Math.fround(1 / cell)]);
    if (stop - last > 1e-3) row.push([last, Math.fround(Math.min(Math.min(stop - last, 1), cell) / cell)]);
    found.push(row);
  }
  return found;
}

function shrunk({ pixels, width, height }, across, down) {
  const [columns, rows] = [shares(width, across), shares(height, down)];
  const made = image(across, down);
  const line = new Float32Array(across);
  const sums = new Float32Array(across);
  rows.forEach((parts, y) => {
    sums.fill(0);
    for (const [from, share] of parts) {
      columns.forEach((weights, x) => {
        let sum = 0;
        for (const [at, weight] of weights) sum = Math.fround(sum + Math.fround(pixels[from * width + at] * weight));
        line[x] = sum;
      });
      for (let x = 0; x < across; x++) sums[x] += Math.fround(share * line[x]);
    }
    for (let x = 0; x < across; x++) made.pixels[y * across + x] = even(sums[x]);
  });
  return made;
}

// --- Foreground: subtract the background and stretch the rest.

function findForeground(picture) {
  const { pixels, width, height } = picture;
  const light = hasDarkForeground(picture) ? picture : image(width, height, pixels.map((value) => 255 - value));
  const background = findBackground(light);
  const strength = image(width, height, background.pixels.map((below, i) =>
    (below ? even(Math.fround((Math.max(0, below - light.pixels[i]) * 255) / below)) : 0)));
  const counts = counted(strength.pixels);
  const sampled = [];
  for (let y = 0; y < height; y += 1 + Math.floor(height / 64)) {
    for (let x = 0; x < width; x++) sampled.push(background.pixels[y * width + x]);
  }
  const brightness = Math.max(1, median(sampled));
  const noise = noiseLevel(counts, (pixelNoise(light) * 255) / brightness);
  const full = fullStrength(counts, noise);
  if (full < Math.max(FAINTEST, 2 * noise)) return null;
  const low = Math.min(noise, 0.3 * full);
  const stretch = 255 / Math.max(full - low, 1);
  return image(width, height, strength.pixels.map((value) => Math.floor(Math.min(255, Math.max(0, (value - low) * stretch)))));
}

function hasDarkForeground({ pixels, width, height }) {
  const border = [...pixels.slice(0, width), ...pixels.slice((height - 1) * width)];
  for (let y = 0; y < height; y++) border.push(pixels[y * width], pixels[y * width + width - 1]);
  const seen = [...counted(pixels).keys()].filter((value) => pixels.includes(value));
  return median(border) - (seen[0] + seen.at(-1)) / 2 >= 0;
}

function median(values) {
  const sorted = Float64Array.from(values).sort();
  const half = sorted.length / 2;
  return sorted.length % 2 ? sorted[Math.floor(half)] : (sorted[half - 1] + sorted[half]) / 2;
}

function counted(pixels) {
  const counts = new Float64Array(256);
  for (const value of pixels) counts[value]++;
  return counts;
}

// The picture without its strokes: dark parts narrower than an eighth of it are filled.
function findBackground(light) {
  let background = light;
  const shorter = Math.min(light.width, light.height);
  if (shorter >= 3) background = medianOfNine(background);
  const reach = Math.max(1, even(shorter / 8));
  return meanAround(extreme(extreme(background, reach, Math.max, 0), reach, Math.min, 255), reach);
}

function medianOfNine({ pixels, width, height }) {
  const made = image(width, height);
  const nine = new Uint8Array(9);
  const clamp = (value, end) => Math.min(end - 1, Math.max(0, value));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let n = 0;
      for (let dy = -1; dy <= 1; dy++) {
        for (let dx = -1; dx <= 1; dx++) nine[n++] = pixels[clamp(y + dy, height) * width + clamp(x + dx, width)];
      }
      made.pixels[y * width + x] = nine.sort()[4];
    }
  }
  return made;
}

// The largest or smallest value in a square around each pixel, by rows and then by columns.
function extreme({ pixels, width, height }, reach, choose, start) {
  const across = image(width, height);
  const both = image(width, height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let best = start;
      for (let at = Math.max(0, x - reach); at <= Math.min(width - 1, x + reach); at++) best = choose(best, pixels[y * width + at]);
      across.pixels[y * width + x] = best;
    }
  }
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let best = start;
      for (let at = Math.max(0, y - reach); at <= Math.min(height - 1, y + reach); at++) best = choose(best, across.pixels[at * width + x]);
      both.pixels[y * width + x] = best;
    }
  }
  return both;
}

// Beyond the edge the picture is mirrored at the last pixel.
function mirrored(at, end) {
  let place = at;
  while (place < 0 || place >= end) place = place < 0 ? -place : 2 * (end - 1) - place;
  return end === 1 ? 0 : place;
}

function meanAround({ pixels, width, height }, reach) {
  const across = new Float64Array(width * height);
  const made = image(width, height);
  const n = (2 * reach + 1) ** 2;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let d = -reach; d <= reach; d++) sum += pixels[y * width + mirrored(x + d, width)];
      across[y * width + x] = sum;
    }
  }
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let d = -reach; d <= reach; d++) sum += across[mirrored(y + d, height) * width + x];
      made.pixels[y * width + x] = even(sum / n);
    }
  }
  return made;
}

function pixelNoise({ pixels, width, height }) {
  const mask = [1, -2, 1, -2, 4, -2, 1, -2, 1];
  const rough = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let sum = 0;
      let n = 0;
      for (let dy = -1; dy <= 1; dy++) {
        for (let dx = -1; dx <= 1; dx++) sum += mask[n++] * pixels[mirrored(y + dy, height) * width + mirrored(x + dx, width)];
      }
      rough[y * width + x] = Math.min(255, Math.abs(sum));
    }
  }
  return firstReaching(counted(rough), rough.length / 2) / 0.6745 / 6;
}

// The first value at which the cumulative count reaches `wanted`.
function firstReaching(counts, wanted) {
  let sum = 0;
  for (let value = 0; value < counts.length; value++) {
    sum += counts[value];
    if (sum >= wanted) return value;
  }
  return counts.length;
}

function noiseLevel(counts, noise) {
  const end = split(counts);
  return Math.min(spread(counts), Math.max(spread(counts.map((count, value) => (value <= end ? count : 0))), NOISE * noise));
}

function spread(counts) {
  const half = counts.reduce((sum, count) => sum + count) / 2;
  const middle = firstReaching(counts, half);
  const deviations = new Float64Array(256);
  counts.forEach((count, value) => { deviations[Math.abs(value - middle)] += count; });
  return middle + NOISE * Math.max(1.4826 * firstReaching(deviations, half), 1);
}

function fullStrength(counts, noise) {
  const above = counts.map((count, value) => (value > noise ? count : 0));
  if (!above.some(Boolean)) return 0;
  const end = split(above);
  let stronger = above.map((count, value) => (value > end ? count : 0));
  if (!stronger.some(Boolean)) stronger = above;
  const sum = (values) => values.reduce((total, value) => total + value);
  return sum(stronger.map((count, value) => count * value)) / sum(stronger);
}

// Otsu's threshold: the last value of the weaker of two classes.
function split(counts) {
  const weights = new Float64Array(256);
  const sums = new Float64Array(256);
  let [weight, sum] = [0, 0];
  counts.forEach((count, value) => {
    weights[value] = weight += count;
    sums[value] = sum += count * value;
  });
  let [best, at] = [0, 0];
  for (let value = 0; value < 256; value++) {
    const within = weights[value] * (weight - weights[value]);
    const between = within > 0 ? ((sum * weights[value]) / weight - sums[value]) ** 2 / within : 0;
    if (between > best) [best, at] = [between, value];
  }
  return at;
}

// --- Connected components: the heaviest is the digit, with its detached strokes.

function mainComponent(foreground) {
  const { pixels, width, height } = foreground;
  const { labels, components } = findComponents(foreground);
  if (!components.length) return null;
  const weights = components.map((component) => (isFrame(component, components, labels, width, height) ? 0 : weightOf(component, width, height)));
  const core = components[weights.indexOf(Math.max(...weights))];
  const size = Math.max(core.box.bottom - core.box.top, core.box.right - core.box.left);
  let digit = core;
  const others = components.filter((component) => component !== core).sort((a, b) => gap(a.box, core.box) - gap(b.box, core.box));
  for (const component of others) {
    const foreign = touchesBorder(component.box, width, height) && !belongs(component.box, digit.box);
    if (foreign || isRuledLine(component.box, width, height) || isFrame(component, components, labels, width, height)) continue;
    const stroke = component.area >= 0.01 * core.area && gap(component.box, digit.box) <= 0.2 * size;
    const another = component.area >= 0.4 * core.area && gap(component.box, digit.box) <= 1.5 * size;
    if (stroke || another) digit = { box: joined(digit.box, component.box), area: digit.area + component.area, parts: [...digit.parts, ...component.parts] };
  }
  return cut(digit, pixels, labels, width);
}

function findComponents({ pixels, width, height }) {
  const labels = new Int32Array(width * height);
  const components = [];
  let label = 0;
  for (let start = 0; start < pixels.length; start++) {
    if (labels[start] || pixels[start] < WEAK) continue;
    const component = { box: { left: width, top: height, right: 0, bottom: 0 }, area: 0, parts: [++label] };
    let strong = false;
    const waiting = [start];
    labels[start] = label;
    while (waiting.length) {
      const at = waiting.pop();
      const [x, y] = [at % width, Math.floor(at / width)];
      component.area++;
      strong ||= pixels[at] >= STRONG;
      component.box = joined(component.box, { left: x, top: y, right: x + 1, bottom: y + 1 });
      for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++) {
        for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++) {
          const next = ny * width + nx;
          if (labels[next] || pixels[next] < WEAK) continue;
          labels[next] = label;
          waiting.push(next);
        }
      }
    }
    if (strong) components.push(component);
  }
  return { labels, components };
}

function joined(a, b) {
  return { left: Math.min(a.left, b.left), top: Math.min(a.top, b.top), right: Math.max(a.right, b.right), bottom: Math.max(a.bottom, b.bottom) };
}

function gap(a, b) {
  return Math.max(Math.max(a.left, b.left) - Math.min(a.right, b.right), Math.max(a.top, b.top) - Math.min(a.bottom, b.bottom));
}

function touchesBorder(box, width, height) {
  return box.left <= 0 || box.top <= 0 || box.right >= width || box.bottom >= height;
}

function belongs(part, digit) {
  const across = Math.min(part.right, digit.right) - Math.max(part.left, digit.left);
  const down = Math.min(part.bottom, digit.bottom) - Math.max(part.top, digit.top);
  const near = gap(part, digit) <= 0.12 * Math.max(digit.right - digit.left, digit.bottom - digit.top);
  return near && Math.max(across / (part.right - part.left), down / (part.bottom - part.top)) > 0.4;
}

function isRuledLine({ left, top, right, bottom }, width, height) {
  const across = right - left > 0.6 * width && bottom - top < 0.12 * height;
  const down = bottom - top > 0.6 * height && right - left < 0.12 * width;
  return (across && (top < 0.12 * height || bottom > 0.88 * height)) || (down && (left < 0.12 * width || right > 0.88 * width));
}

function isFrame(component, components, labels, width, height) {
  const { left, top, right, bottom } = component.box;
  const [across, down] = [right - left, bottom - top];
  if (across < 0.3 * width || down < 0.3 * height || component.area > 0.35 * across * down) return false;
  const liesIn = ({ box }) => box.left > left && box.top > top && box.right < right && box.bottom < bottom;
  if (!components.some((other) => other !== component && liesIn(other) && other.box.bottom - other.box.top > 0.25 * down)) return false;
  const [edge, rim] = [Math.max(1, even(0.15 * across)), Math.max(1, even(0.15 * down))];
  let inside = 0;
  for (let y = top + rim; y < bottom - rim; y++) {
    for (let x = left + edge; x < right - edge; x++) inside += labels[y * width + x] === component.parts[0];
  }
  return inside < 0.05 * component.area;
}

function weightOf({ box, area }, width, height) {
  if (isRuledLine(box, width, height)) return 0;
  const [x, y] = [(box.left + box.right) / 2 / width - 0.5, (box.top + box.bottom) / 2 / height - 0.5];
  return area * (1 - 1.2 * Math.max(Math.abs(x), Math.abs(y))) * (touchesBorder(box, width, height) ? 0.25 : 1);
}

// The foreground in a component's box, with the pale edge of its strokes, without its neighbours.
function cut({ box, parts }, pixels, labels, width) {
  const made = image(box.right - box.left, box.bottom - box.top);
  const own = (x, y) => parts.includes(labels[y * width + x]);
  for (let y = box.top; y < box.bottom; y++) {
    for (let x = box.left; x < box.right; x++) {
      let kept = own(x, y);
      if (!kept && labels[y * width + x] === 0) {
        for (let ny = Math.max(box.top, y - 1); ny <= Math.min(box.bottom - 1, y + 1); ny++) {
          for (let nx = Math.max(box.left, x - 1); nx <= Math.min(box.right - 1, x + 1); nx++) kept ||= own(nx, ny);
        }
      }
      if (kept) made.pixels[(y - box.top) * made.width + x - box.left] = pixels[y * width + x];
    }
  }
  return made;
}

// --- As in MNIST: the longer side 20, the centre of mass in the middle of 28x28.

function normalised(foreground) {
  const field = new Uint8Array(FIELD * FIELD);
  const strongest = foreground.pixels.reduce((best, value) => Math.max(best, value), 0);
  if (!strongest) return field;
  const digit = fitted(cropped(foreground, FOREGROUND * strongest));
  const faded = digit.pixels.reduce((best, value) => Math.max(best, value), 0);
  if (faded) digit.pixels = digit.pixels.map((value) => even(value * (strongest / faded)));
  const rows = new Array(digit.height).fill(0);
  const columns = new Array(digit.width).fill(0);
  digit.pixels.forEach((value, i) => {
    rows[Math.floor(i / digit.width)] += value;
    columns[i % digit.width] += value;
  });
  const [top, left] = [startOf(rows), startOf(columns)];
  for (let y = 0; y < digit.height; y++) {
    field.set(digit.pixels.subarray(y * digit.width, (y + 1) * digit.width), (top + y) * FIELD + left);
  }
  return field;
}

function startOf(sums) {
  const total = sums.reduce((sum, value) => sum + value);
  if (!total) return Math.floor((FIELD - sums.length) / 2);
  const centre = sums.reduce((sum, value, i) => sum + value * i, 0) / total;
  return Math.min(Math.max(even(FIELD / 2 - centre), 0), FIELD - sums.length);
}

function cropped({ pixels, width, height }, least) {
  const box = { left: width, top: height, right: 0, bottom: 0 };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (pixels[y * width + x] > least) Object.assign(box, joined(box, { left: x, top: y, right: x + 1, bottom: y + 1 }));
    }
  }
  const made = image(box.right - box.left, box.bottom - box.top);
  for (let y = 0; y < made.height; y++) {
    made.pixels.set(pixels.subarray((box.top + y) * width + box.left, (box.top + y) * width + box.right), y * made.width);
  }
  return made;
}

// Pillow's resizing: box filter to shrink, Lanczos to enlarge, in integers.
function fitted({ pixels, width, height }) {
  const scale = BOX / Math.max(width, height);
  const [across, down] = [Math.max(1, even(width * scale)), Math.max(1, even(height * scale))];
  const [filter, support] = scale < 1 ? [(x) => (x > -0.5 && x <= 0.5 ? 1 : 0), 0.5] : [lanczos, 3];
  let made = image(width, height, pixels);
  if (across !== width) made = resampled(made, across, filter, support);
  if (down !== height) made = turned(resampled(turned(made), down, filter, support));
  return made;
}

function lanczos(x) {
  const sinc = (value) => (value === 0 ? 1 : Math.sin(value * Math.PI) / (value * Math.PI));
  return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0;
}

function turned({ pixels, width, height }) {
  const made = image(height, width);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) made.pixels[x * height + y] = pixels[y * width + x];
  return made;
}

function resampled({ pixels, width, height }, across, filter, support) {
  const made = image(across, height);
  const scale = width / across;
  const wide = Math.max(1, scale);
  for (let x = 0; x < across; x++) {
    const centre = (x + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support * wide + 0.5));
    const last = Math.min(width, Math.trunc(centre + support * wide + 0.5));
    const weights = [];
    for (let at = first; at < last; at++) weights.push(filter((at - centre + 0.5) / wide));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const parts = weights.map((weight) => Math.trunc((weight / total) * 2 ** 22 + (weight / total < 0 ? -0.5 : 0.5)));
    for (let y = 0; y < height; y++) {
      let sum = 2 ** 21;
      parts.forEach((part, i) => { sum += pixels[y * width + first + i] * part; });
      made.pixels[y * across + x] = Math.min(255, Math.max(0, Math.floor(sum / 2 ** 22)));
    }
  }
  return made;
}
