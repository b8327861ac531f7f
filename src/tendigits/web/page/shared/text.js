// Names, counts and percentages as people read them.

export function nameOf(label) {
  return label === null ? "not a digit" : String(label);
}

export const aDigit = (digit) => `${digit === 8 ? "an" : "a"} ${digit}`;

export function plural(count, name) {
  return `${count.toLocaleString("en")} ${name}${count === 1 ? "" : "s"}`;
}

// A setting's key, such as "augmentation.label_noise", as a title: "Label noise".
export function titleOf(key) {
  const words = key.replace("augmentation.", "").replaceAll("_", " ");
  return words[0].toUpperCase() + words.slice(1);
}

// Such as 60,000 or 0.001.
export const numberText = (value) => Number(value).toLocaleString("en", { maximumFractionDigits: 6 });

export function percent(fraction, digits = 0) {
  return `${(100 * fraction).toFixed(digits)}%`;
}

// Epochs with two decimals, or three where two would be "0.00" after a batch.
export function epochText(epoch) {
  return epoch.toFixed(epoch > 0 && epoch < 0.1 ? 3 : 2);
}

// The same with the word: "1 epoch", "0.25 epochs".
export const epochsText = (epoch) => (Number.isInteger(epoch) ? plural(epoch, "epoch") : `${epochText(epoch)} epochs`);

// A rounded duration, such as "2 minutes".
export function durationText(seconds) {
  return seconds < 90 ? plural(Math.max(1, Math.round(seconds)), "second") : plural(Math.round(seconds / 60), "minute");
}

// A confidence with one decimal, everywhere the same; rounded down above 99%, so that 99.96% does not become 100%.
export function confidenceText(confidence) {
  return percent(confidence > 0.99 ? Math.floor(1000 * confidence) / 1000 : confidence, 1);
}
