"""Every format of `tendigits export`, of five networks, each verified on the whole test set: docs/exports.md.

    python bench/exports.py    # about three minutes, of which two train; bench/results/exports.json
    python bench/exports.py --report-only       # docs/exports.md again, from the JSON

The reader of the package; classic, fast and a convolutional network of four epochs as runs; and one with pooling, made
with Keras alone, as somebody's own file.
"""

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from environments import ROOT, options, recorded, replace_between
from tendigits import run_recipe
from tendigits.data.load import load
from tendigits.data.preprocess import one_hot, to_input
from tendigits.export.formats import FORMATS, export_file
from tendigits.export.source import Source, open_source
from tendigits.model.recipe_files import RECIPES

RESULTS = ROOT / "bench" / "results" / "exports.json"
BEGIN, END = "<!-- exports: written by bench/exports.py -->", "<!-- /exports -->"
NAMES = {"onnx": "ONNX", "litert": "LiteRT", "keras": ".keras", "h5": ".h5", "stablehlo": "StableHLO"}


def main() -> None:
    """Train, export, save and report."""
    given = options(__doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        record = recorded(RESULTS, given.report_only, lambda: {"exports": measure(given.data, Path(folder))})
    replace_between(ROOT / "docs" / "exports.md", BEGIN, END, report(record))


def measure(data: Path, folder: Path) -> list[dict[str, Any]]:
    """A row for each network and format."""
    sources = {"reader": open_source("reader", data)}
    for name in ("classic", "fast"):
        sources[name] = open_source(run_recipe(RECIPES[name], data, runs=folder, name=name).run.path, data)
    short = RECIPES["cnn"].with_changes(epochs=4)
    sources["cnn, 4 epochs"] = open_source(run_recipe(short, data, runs=folder, name="cnn").run.path, data)
    sources["with pooling"] = open_source(with_pooling(data, folder / "pooling.keras"), data)
    rows = []
    for name, source in sources.items():
        for to, format_ in FORMATS.items():
            for int8 in (False, True) if format_.int8 else (False,):
                rows.append(row(name, source, to, int8, folder))
                print(rows[-1], flush=True)
    return rows


def row(name: str, source: Source, to: str, int8: bool, folder: Path) -> dict[str, Any]:
    """One export."""
    exported = export_file(source, to, int8=int8, out=folder / f"export{FORMATS[to].suffix}")
    parameters = source.model.count_params()
    return {"network": name, "parameters": parameters, "format": to, "int8": int8} | asdict(exported.verification)


def with_pooling(data: Path, path: Path) -> Path:
    """A network as Keras' own introductions have it: two convolutions, each with max pooling behind it."""
    import keras  # after tendigits: it makes JAX Keras' backend

    from tendigits import fit

    layers, dataset = keras.layers, load(data)
    model = keras.Sequential([
        keras.Input((784,)), layers.Reshape((28, 28, 1)),
        layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(2),
        layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(2),
        layers.Flatten(), layers.Dropout(0.5), layers.Dense(10, activation="softmax"),
    ])  # fmt: skip
    model.compile("adam", "categorical_crossentropy")
    fit(model, to_input(dataset.x_train), one_hot(dataset.y_train), batch_size=128, epochs=2, verbose=0)
    model.save(path)
    return path


def report(record: dict[str, Any]) -> str:
    """The results as Markdown: a table for each network."""
    parts = []
    for network in dict.fromkeys(row["network"] for row in record["exports"]):
        rows = [row for row in record["exports"] if row["network"] == network]
        first = rows[0]
        parts.append(f"**{network}**, {first['parameters']:,} parameters, {first['source_accuracy']:.2%} before:\n")
        parts.append(
            "| format | MB | test accuracy | read alike | largest difference | one digit, ms | of 100, µs each |"
        )
        parts.append("| :--- | ---: | ---: | ---: | ---: | ---: | ---: |")
        for each in rows:
            name = NAMES[each["format"]] + (", int8" if each["int8"] else "")
            parts.append(
                f"| {name} | {each['bytes'] / 1e6:.2f} | {each['accuracy']:.2%} | {each['agreement']:.2%} "
                f"| {each['largest_difference']:.1e} | {each['single_ms']:.2f} | {each['batch_us']:.1f} |"
            )
        parts.append("")
    described, versions = record["machine"], record["machine"]["versions"]
    return "\n".join(parts) + (
        f"\nMachine: {described['processor']}, {described['cores']} cores; Python {described['python']}, "
        f"Keras {versions['keras']}, jax {versions['jax']}; {record['date']}. Times are of one run in the process that "
        "exported: a comparison of formats, not of machines."
    )


if __name__ == "__main__":
    main()
