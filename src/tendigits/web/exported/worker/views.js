// See each number of a page in as few views as tell; lines/views.py in JavaScript.

import { constants } from "./constants.js";
import { decode } from "./decode.js";
import { numbersIn, same } from "./first_look.js";
import { cutStrip, makePyramid } from "./strips.js";
import { textOf } from "./vote.js";

const { MOST } = constants["lines.finder"];
const { CLEAR, LOOKS } = constants["lines.views"];
const [FIRST, SECOND] = [0.3, 0.5]; // shares of the time until each look has ended

// The numbers in some places of a page, each with its views, the first as it stands. `progress` is told the share that is done.
export async function viewsOf(network, grey, places, progress) {
  const pyramid = makePyramid(grey);
  const seen = new Map();
  const [first, ...others] = LOOKS;
  const look = async (wanted, from, to) => {
    const missing = wanted.filter(([place, way]) => !seen.get(place)?.has(way));
    const strips = missing.map(([place, way]) => cutStrip(pyramid, place, way));
    const outputs = await network(strips.map((strip) => strip.picture), (share) => progress(from + (to - from) * share));
    missing.forEach(([place, way], i) => {
      if (!seen.has(place)) seen.set(place, new Map());
      seen.get(place).set(way, { strip: strips[i], ...decode(outputs[i]) });
    });
  };
  const viewOf = (place, way) => seen.get(place).get(way);
  await look(places.map((place) => [place, first]), 0, FIRST);
  const numbers = same(places.flatMap((place) => numbersIn(place, viewOf(place, first)))).slice(0, MOST);
  await look(numbers.flat().map((place) => [place, first]), FIRST, SECOND);
  const found = numbers.map((number) => ({ place: number[0], views: number.map((place) => viewOf(place, first)) }));
  const doubtful = found.filter(({ views }) => !areClear(views));
  await look(doubtful.flatMap(({ place }) => others.map((way) => [place, way])), SECOND, 1);
  for (const { place, views } of doubtful) views.push(...others.map((way) => viewOf(place, way)));
  return found;
}

// Whether all show the same characters, at least one, and each of these without a doubt.
function areClear(views) {
  const certain = views.every(({ peaks }) => peaks.every(({ confidence }) => confidence >= CLEAR));
  const [first, ...others] = views.map(({ peaks }) => textOf(peaks));
  return certain && first !== "" && others.every((text) => text === first);
}
