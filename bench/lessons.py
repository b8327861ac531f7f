"""Does the playground's lesson on dropout show what it says? Ten seeds of its A and B, by the page's own code in Node.

python bench/lessons.py                                                              # two minutes
python bench/lessons.py '{"digits": 2000}' '{"dropout": 0}' '{"dropout": 0.5}' 15    # others: common, A's, B's, epochs
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tendigits.data.mnist import load_data
from tendigits.web.pages import WEB, join_modules

SEEDS = 10
ENTRY = "page/play/entry.js"
MODULES = """
import { Kernel } from "./kernel.js";
import { Learner } from "./learner.js";
import { LESSONS } from "./lessons.js";
import { defaults } from "./link.js";
import { Scores } from "./views.js";
export const all = { Kernel, Learner, LESSONS, defaults, Scores };
"""
PROGRAM = """
const { Learner, LESSONS, defaults, Scores } = %s.all;
const fs = require("fs");
const [, , folder, given] = process.argv;
const bytes = (name) => new Uint8Array(fs.readFileSync(`${folder}/${name}`));
const [x, y, testX, testY] = ["x", "y", "test_x", "test_y"].map(bytes);
const lesson = LESSONS.find(({ name }) => name === "Dropout");
const { pair, seeds, epochs } = { pair: [lesson.a, lesson.b], epochs: lesson.epochs, ...JSON.parse(given) };
const wasm = new WebAssembly.Module(fs.readFileSync(`${folder}/play.wasm`));
for (let seed = 0; seed < seeds; seed++) {
  const accuracies = pair.map((settings) => {
    const all = { ...defaults(), ...settings, seed };
    const learner = new Learner(wasm, all, { x: x.subarray(0, 784 * all.digits), y: y.slice(0, all.digits) });
    const tested = [];
    while (learner.epoch < epochs) {
      do learner.step(); while (learner.steps %% learner.perEpoch);
      const scores = new Scores(testX, testY);
      const x128 = (i) => testX.subarray(784 * i, 784 * (i + 128));
      for (let i = 0; i < testY.length; i += 128) scores.add(learner.kernel.outputs(x128(i)));
      tested.push(scores.accuracy);
    }
    return tested;
  });
  console.log(JSON.stringify(accuracies));
}
"""


def main() -> None:
    """Print the test accuracies of A and B for each seed, and in how many of them B is ahead at the end."""
    given: dict[str, object] = {"seeds": SEEDS}
    if len(sys.argv) > 1:
        common, *pair = (json.loads(text) for text in sys.argv[1:4])
        given |= {"pair": [common | each for each in pair], "epochs": int(sys.argv[4])}
    with tempfile.TemporaryDirectory() as folder:
        (x, y), (test_x, test_y) = load_data()
        arrays = {"x": x[:10_000], "y": y[:10_000], "test_x": test_x[::5], "test_y": test_y[::5]}
        for name, array in arrays.items():
            (Path(folder) / name).write_bytes(array.tobytes())
        (Path(folder) / "play.wasm").write_bytes((WEB / "page/play/play.wasm").read_bytes())
        program = Path(folder) / "program.cjs"
        program.write_text(PROGRAM % join_modules(ENTRY, {ENTRY: MODULES}).rstrip().rstrip(";"))
        command = ["node", str(program), folder, json.dumps(given)]
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    ahead = []
    for seed, (a, b) in enumerate(map(json.loads, lines)):
        ahead.append(b[-1] > a[-1])
        print(f"seed {seed}: A {a[-1]:.2%}, best {max(a):.2%}; B {b[-1]:.2%}, best {max(b):.2%}")
    print(f"B is ahead at the end with {sum(ahead)} of {len(ahead)} seeds")


if __name__ == "__main__":
    main()
