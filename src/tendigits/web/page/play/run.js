// A run of `tendigits train`, from the script network.js, with which the page was written or is served: it begins with its network.

import { unpacked } from "../shared/pixels.js";
import { defaults, hashOf } from "./link.js";

const run = globalThis.tendigitsNetwork; // {name, settings, packed}

// The settings of a new page.
export const firstSettings = () => ({ ...defaults(), ...run?.settings });

// The name of the run whose network has these settings, or null.
export const runOf = (settings) =>
  run && hashOf({ a: settings }) === hashOf({ a: firstSettings() }) ? run.name : null;

// The run's weights and biases, as the kernel's state, if its network has these settings; else null.
export function runWeights(settings) {
  const arrayOf = async (base64) => new Float32Array((await unpacked(base64)).buffer);
  return runOf(settings) && Promise.all(run.packed.map(arrayOf));
}
