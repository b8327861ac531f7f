// What a written number means, and whether it has a form that people write; lines/numbers.py in JavaScript.

import { constants } from "./constants.js";

const { FILLER, FORMS, LONGEST_DATE, MOST_POINTS } = constants["lines.numbers"];
const USUAL = new RegExp(`^(?:${FORMS.map((form) => `(?:${form})`).join("|").replaceAll("\\1", "[./-]")})$`);
const AMOUNT = new RegExp(`^=*(?<sign>[-+]?)(?<amount>[\\d.,]*?\\d)${FILLER}?$`);
const STROKES = /^\d+(?:\/\d+)+$/;
const MARKS = [".", ","];

// Whether people write numbers like this. Strokes alone stand in dates and between points.
export function isUsual(text) {
  if (!STROKES.test(text)) return USUAL.test(text);
  const numbers = text.split("/").map(Number);
  const isDate = [numbers.slice(0, 2), numbers.slice(-2)].some((pair) => (
    Math.min(...pair) >= 1 && Math.min(...pair) <= 12 && Math.max(...pair) <= 31));
  const arePoints = numbers.length === 2 && numbers[0] <= numbers[1] && numbers[1] <= MOST_POINTS;
  return arePoints || (isDate && numbers.length <= 3 && text.length <= LONGEST_DATE);
}

// The number that is written, as text, or null. `mark` parts decimals; null means that the number itself tells.
export function toDecimal(text, mark) {
  if (text.startsWith("(") && text.endsWith(")")) {
    const inner = toDecimal(text.slice(1, -1), mark);
    if (inner === null || Number(inner) < 0) return null;
    return Number(inner) ? `-${inner}` : inner.replace("-", "");
  }
  if (text.endsWith("%")) {
    const whole = toDecimal(text.slice(0, -1), mark);
    return whole === null ? null : hundredth(whole);
  }
  const found = AMOUNT.exec(text)?.groups;
  const parted = found ? part(found.amount, mark) : null;
  return parted === null ? null : found.sign.replace("+", "") + parted;
}

// The mark of decimals in numbers that stand on one page, null if they don't tell or disagree.
export function commonMark(texts) {
  const seen = new Set();
  for (const text of texts) {
    const amount = AMOUNT.exec(text)?.groups.amount;
    const marks = new Set(amount?.match(/[.,]/g));
    const tells = marks.size ? MARKS.filter((mark) => part(amount, mark) !== null) : [];
    if (tells.length === 1 && (marks.size === 2 || part(amount, null) !== null)) seen.add(tells[0]);
  }
  return seen.size === 1 ? [...seen][0] : null;
}

// An amount with a point before its decimals, without leading zeros; null if it has another form.
function part(amount, mark) {
  if (mark === null) {
    const meant = new Set(MARKS.map((each) => part(amount, each)).filter((parted) => parted !== null));
    return meant.size === 1 ? [...meant][0] : null;
  }
  const [whole, ...fraction] = amount.split(mark);
  if (fraction.length > 1 || (fraction.length && !/^\d+$/.test(fraction[0]))) return null;
  const groups = whole.split(mark === "," ? "." : ",");
  const wrong = !/^\d{1,3}$/.test(groups[0]) || groups[0].startsWith("0") || groups.slice(1).some((group) => group.length !== 3);
  if (groups.length > 1 && wrong) return null;
  return [groups.join("").replace(/^0+(?=\d)/, "") || "0", ...fraction].join(".");
}

// A hundredth of a decimal, with no more zeros at its end than it had.
function hundredth(text) {
  const [, sign, whole, fraction] = /^(-?)(\d+)\.?(\d*)$/.exec(text);
  const digits = whole.padStart(3, "0") + fraction;
  const decimals = digits.slice(-2 - fraction.length);
  const kept = decimals.slice(0, fraction.length) + decimals.slice(fraction.length).replace(/0+$/, "");
  const before = digits.slice(0, -2 - fraction.length).replace(/^0+(?=\d)/, "");
  return sign + (kept ? `${before}.${kept}` : before);
}
