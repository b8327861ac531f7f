// Read the numbers of a page: find them, cut them out, read each in several views; lines/reading.py in JavaScript.

import { image, most, total } from "./arrays.js";
import { constants } from "./constants.js";
import { indexOfMost, isDigit, middleOf } from "./decode.js";
import { findNumbers } from "./finder.js";
import { findForeground } from "./foreground.js";
import { inRows } from "./order.js";
import { cropsOf, strokesBeside } from "./second_opinion.js";
import { inStrip } from "./strips.js";
import { viewsOf } from "./views.js";
import { asPeopleWrite, candidateOf, textOf, vote } from "./vote.js";

const { AT_END, BEYOND, CERTAIN, CHARACTERS, DIGIT, DIGITS, LINE_LIKE, LINE_SHARE } = constants["lines.reading"];
const FOUND = 0.3; // share of the time until the numbers are found

// What stands where, in reading order; places without a digit are left out. `networks` are the finder, the line network
// and that for single digits; with `own`, the last one says which digit each is, and with `untaught`, what it was before
// a person taught it, it does where it has become certain of another one. `progress` is told the share that is done.
export async function readings(networks, grey, progress) {
  for await (const places of ways(networks.finder, grey)) {
    progress(FOUND);
    const numbers = await viewsOf(networks.lines, grey, places, (share) => progress(FOUND + (1 - FOUND) * share));
    const found = (await withSecondOpinion(networks, numbers)).filter(({ text }) => [...text].some(isDigit));
    if (found.length) return inRows(found.map(({ place }) => place)).flatMap((row) => withRoom(row.map((i) => found[i])));
  }
  return [];
}

// Where numbers may stand; the next way is tried where nothing was read in one.
async function* ways(finder, grey) {
  let places = await findNumbers(finder, grey);
  yield [...places, ...wholeLine(grey, places)];
  const foreground = findForeground(grey);
  if (!foreground) return;
  places = await findNumbers(finder, image(grey.width, grey.height, foreground.pixels.map((value) => 255 - value)));
  yield [...places, ...wholeLine(grey, places)];
}

// Join the views of each number, and ask the network for single digits about all digits at once.
async function withSecondOpinion({ digits, own, untaught }, numbers) {
  const found = numbers.map(({ place, views }) => {
    const { strip, sides } = views[0];
    const { read, dropped } = vote(views);
    const within = ({ box }) => isWithin(box, strip);
    const walls = wallsOf(strip, sides);
    const characters = asPeopleWrite(read.filter(within));
    const foreground = findForeground(strip.picture);
    const boxes = characters.map((each) => each.box);
    return {
      place, strip, characters, dropped: dropped.filter(within), crops: cropsOf(foreground, boxes),
      beside: strokesBeside(foreground, boxes, DIGIT), seen: views.map((view) => textWithin(view, strip)),
      walls, room: roomOf(read.map(({ box }) => box), strip, walls),
    };
  });
  const together = found.flatMap(({ crops }) => crops);
  const [predictions, before] = [await digits(together), untaught && await untaught(together)];
  const shares = predictions.map((each) => each.digits.map((share) => share * each.isDigit));
  const decides = shares.map((each, i) => (before
    ? indexOfMost(each) !== indexOfMost(before[i].digits) && most(each) >= CERTAIN : own));
  return found.map((reading) => {
    const decided = decides.splice(0, reading.characters.length);
    const second = reading.characters.map(({ label }) => shares.shift().map((share) => (isDigit(label) ? share : 0)));
    const characters = reading.characters.map((each, i) => (decided[i] && most(second[i]) > 0 ? withVote(each, second[i]) : each));
    return { ...reading, characters, second, text: characters.map(({ label }) => label).join("") };
  });
}

// The whole picture as one place, if it may be of one line: another crop of it, or the only one.
function wholeLine({ width, height }, places) {
  const tallest = places.length ? most(places.map((place) => place.height)) : height;
  if (height > LINE_LIKE * tallest || width < height || inRows(places).length > 1) return [];
  const digit = LINE_SHARE * height;
  return [{ x: width / 2, y: height / 2, angle: 0, length: width - digit / 2, height: digit, score: 0 }];
}

// Whether a character belongs to the number, and not to its neighbour.
function isWithin(box, { ends }) {
  const room = BEYOND * DIGIT;
  return ends[0] - room <= middleOf(box) && middleOf(box) <= ends[1] + room;
}

// What a view shows of the number that is in a strip.
function textWithin(view, strip) {
  return textOf(view.peaks.filter((peak) => isWithin(inStrip(view.strip, peak.box, strip), strip)));
}

// Whether the sides of a cell stand on the left and on the right of the number in a strip.
function wallsOf({ ends }, sides) {
  const middles = sides.map(middleOf);
  return [middles.some((x) => x < ends[0] + AT_END * DIGIT), middles.some((x) => x > ends[1] - AT_END * DIGIT)];
}

// From the ends of the number in a strip to what is read beyond them, in heights of a digit.
function roomOf(boxes, strip, walls) {
  const beyond = boxes.filter((box) => !isWithin(box, strip));
  const [first, last] = strip.ends;
  const left = beyond.filter((box) => box[0] < first && !walls[0]).map((box) => first - box[2]);
  const right = beyond.filter((box) => box[2] > last && !walls[1]).map((box) => box[0] - last);
  return Math.min(Infinity, ...left, ...right) / DIGIT;
}

// The numbers of a row, from left to right, with the room to their neighbours.
function withRoom(row) {
  const gaps = row.slice(1).map(({ place: b, walls }, i) => {
    const { place: a, walls: ends } = row[i];
    if (ends[1] || walls[0]) return Infinity;
    return (Math.hypot(b.x - a.x, b.y - a.y) - (a.length + b.length) / 2) / Math.max(a.height, b.height);
  });
  return row.map((each, i) => ({ ...each, room: Math.min(each.room, gaps[i - 1] ?? Infinity, gaps[i] ?? Infinity) }));
}

// A digit as the user's own network sees it.
function withVote({ box, present }, shares) {
  const sum = total(shares);
  return candidateOf(Array.from(CHARACTERS, (_, i) => (i < DIGITS ? (shares[i] / sum) * present : 0)), box);
}
