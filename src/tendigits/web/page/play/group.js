// Class: the lines that pupils paste become one table and one picture. Nothing is sent anywhere.

import { element, find } from "../shared/dom.js";
import { percent, plural } from "../shared/text.js";
import { fromResult, parameters, textOf } from "./link.js";
import { wilson } from "./views.js";

const MAX_WIDTH = 640,
  ROW = 22,
  NAMES = 150; // pixels

export function startClass() {
  find("play-class-lines").addEventListener("input", show);
}

function show() {
  const lines = find("play-class-lines")
    .value.split("\n")
    .filter((line) => line.trim());
  const results = lines
    .map(fromResult)
    .filter(Boolean)
    .sort((a, b) => b.accuracy - a.accuracy);
  const unread = lines.filter((line) => !fromResult(line));
  find("play-class-state").textContent = unread.length
    ? `Not a result: "${unread[0].slice(0, 60)}"${unread.length > 1 ? `, and ${unread.length - 1} more` : ""}. Expected a line that "My result" has copied.`
    : results.length
      ? `${plural(results.length, "result")}. Dots are test accuracies, lines their 95% intervals: where lines overlap, the order may be luck. Another seed might give another winner.`
      : "";
  find("play-class-table").hidden = !results.length;
  find("play-class-picture").replaceChildren(
    ...(results.length ? [picture(results, Math.min(MAX_WIDTH, find("play-class-picture").clientWidth))] : []),
  );
  const cell = (text) => element("td", { class: "number" }, text);
  find("play-class-table").tBodies[0].replaceChildren(
    ...results.map(({ who, accuracy, n, epoch, mine, settings }) =>
      element(
        "tr",
        {},
        element("th", { scope: "row" }, who || "–"),
        cell(`${percent(accuracy, 2)} of ${n.toLocaleString("en")}`),
        cell(mine ? `${mine.right} of ${mine.n}` : "–"),
        cell(String(epoch)),
        cell(parameters(settings).toLocaleString("en")),
        element("td", {}, textOf(settings).replaceAll("&", ", ").replaceAll("_", " ")),
      ),
    ),
  );
}

function picture(results, width) {
  const intervals = results.map(({ accuracy, n }) => wilson(accuracy, n));
  const low = Math.floor(10 * Math.min(...intervals.map(([from]) => from))) / 10;
  const x = (value) => NAMES + ((value - low) / (1 - low)) * (width - NAMES - 20);
  const height = ROW * (results.length + 1);
  const drawn = element("svg:svg", {
    class: "chart dots",
    viewBox: `0 0 ${width} ${height}`,
    role: "img",
    "aria-label": `Test accuracy of ${plural(results.length, "network")}; the table below has the numbers`,
  });
  for (const value of [low, (1 + low) / 2, 1]) {
    drawn.append(
      element("svg:line", { class: "grid", x1: x(value), x2: x(value), y1: 0, y2: height - ROW }),
      element(
        "svg:text",
        { x: x(value), y: height - 6, "text-anchor": "middle" },
        percent(value, (value * 100) % 1 ? 1 : 0),
      ),
    );
  }
  results.forEach(({ who, accuracy }, i) => {
    const y = ROW * (i + 0.5);
    const [from, to] = intervals[i];
    drawn.append(
      element("svg:text", { x: NAMES - 10, y: y + 4, "text-anchor": "end" }, (who || `${i + 1}`).slice(0, 20)),
      element("svg:path", { class: "c0", d: `M${x(from)},${y}H${x(to)}` }),
      element("svg:circle", { cx: x(accuracy), cy: y, r: 4 }),
    );
  });
  return drawn;
}
