// A film strip: what the network reads in the drawing with the weights of its first epochs, as one picture to keep.

import { find, save, trying } from "../shared/dom.js";
import { cropCanvas, pngOf } from "../shared/pixels.js";
import { confidenceText, epochText } from "../shared/text.js";
import { drawing } from "./pen.js";

const [FRAME, SIDE, MARGIN, ROW] = [150, 110, 20, 18]; // pixels of a frame, its digit, the space around it and a bar
const SHARP = 2; // pixels of the picture for each of these
const [PAPER, INK, BAR, TRACK] = ["#fff", "#1a1d21", "#0b5cad", "#e6e9ee"];

export function startFilm(network) {
  find("play-film").addEventListener("click", () => trying(() => showFilm(network())));
  find("play-film-save").addEventListener("click", () => save(new Blob([pngOf(find("play-film-strip"))]), "film.png"));
  find("play-film-close").addEventListener("click", () => (find("play-film-side").hidden = true));
}

async function showFilm(network) {
  const pixels = drawing();
  if (!pixels || !network?.made) throw new Error("Draw a digit first.");
  const frames = await network.ask("film", { pixels });
  const strip = find("play-film-strip");
  const [width, height] = [FRAME * frames.length, MARGIN * 2 + SIDE + 12 * ROW];
  [strip.width, strip.height] = [SHARP * width, SHARP * height];
  const context = strip.getContext("2d");
  context.scale(SHARP, SHARP);
  context.fillStyle = PAPER;
  context.fillRect(0, 0, width, height);
  context.imageSmoothingEnabled = false;
  for (const [i, frame] of frames.entries()) drawFrame(context, frame, cropCanvas(pixels, ""), i * FRAME + MARGIN);
  const texts = frames.map(({ epoch, probabilities }) => `epoch ${epochText(epoch)}: ${bestOf(probabilities)}`);
  strip.setAttribute("aria-label", `What the network reads. ${texts.join("; ")}`);
  find("play-film-side").hidden = false;
}

const bestOf = (probabilities) => probabilities.indexOf(Math.max(...probabilities));

function drawFrame(context, { epoch, probabilities }, digit, left) {
  const best = bestOf(probabilities);
  const text = (words, x, y, weight = "") => {
    context.font = `${weight} 13px system-ui, sans-serif`;
    context.fillStyle = INK;
    context.fillText(words, x, y);
  };
  context.drawImage(digit, left, MARGIN, SIDE, SIDE);
  text(`Epoch ${epochText(epoch)}`, left, MARGIN + SIDE + ROW);
  text(`${best}, ${confidenceText(probabilities[best])}`, left, MARGIN + SIDE + 2 * ROW, "bold");
  probabilities.forEach((probability, i) => {
    const top = MARGIN + SIDE + (i + 2) * ROW + 8;
    text(String(i), left, top + 11, i === best ? "bold" : "");
    context.fillStyle = TRACK;
    context.fillRect(left + 14, top + 2, SIDE - 14, ROW - 8);
    context.fillStyle = BAR;
    context.fillRect(left + 14, top + 2, (SIDE - 14) * probability, ROW - 8);
  });
}
