"""The scripts of the benchmarks: imported, run on few digits; and the documents show their committed results."""

import base64
import importlib
import json
import os
import re
import subprocess
import sys
from operator import attrgetter
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.stats import permutation_test

import environments
import exports
import recipes
import serving
import speed
from tendigits.export.source import open_source
from tendigits.model.recipe import Recipe
from tendigits.read.reader import Reader

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted(path.stem for path in (ROOT / "bench").glob("*.py"))
HELP = """
import runpy, sys
for script in sys.argv[1:]:
    sys.argv = [script, "--help"]
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        assert end.code == 0, script
"""


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_is_importable_and_says_what_it_is(script):
    assert importlib.import_module(script).__doc__


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["bench", "reader"])
def test_the_scripts_find_all_that_they_import(folder):
    """In one process, which imports Keras once."""
    scripts = [path for path in sorted((ROOT / folder).glob("*.py")) if "parse_args" in path.read_text()]
    environment = os.environ | {"PYTHONPATH": str(ROOT / folder)}
    command = [sys.executable, "-c", HELP, *map(str, scripts)]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    assert done.stdout.count("usage: ") == len(scripts) > 1


@pytest.mark.parametrize("script", ["speed", "reading_peers", "table_peers"])
def test_every_peer_has_a_script_and_an_environment_of_exact_versions(script):
    module = importlib.import_module(script)
    for peer in module.PEERS.values():
        assert Path(environments.script(peer.script)).exists()
        assert peer.environment is None or peer.environment in module.ENVIRONMENTS
    for requirements in module.ENVIRONMENTS.values():
        assert all("==" in requirement for requirement in requirements)


@pytest.mark.parametrize(
    ("script", "function", "document"),
    [
        ("exports", "report", "docs/exports.md"),
        ("reading", "read_tables.text", "bench/results/reading.md"),
        ("play", "table", "bench/README.md"),
        ("recipes", "table", "docs/results.md"),
        ("recipes", "short_table", "README.md"),
        ("scaling", "reading_table", "docs/scale.md"),
        ("scaling", "million_table", "docs/scale.md"),
        ("serving", "table", "bench/results/serving.md"),
        ("speed", "tables.short_text", "bench/README.md"),
        ("speed", "tables.text", "bench/results/speed.md"),
        ("table_reading", "text", "docs/paper.md"),
        ("teaching", "table", "docs/results.md"),
    ],
)
def test_a_document_shows_the_committed_results(script, function, document):
    module = importlib.import_module(script)
    record = json.loads(module.RESULTS.read_text())
    assert attrgetter(function)(module)(record) in (ROOT / document).read_text()


def test_the_default_seed_reads_as_well_as_the_median_and_the_documents_show_it():
    kept = json.loads(recipes.RESULTS.read_text())
    assert recipes.median_seed(kept) == Recipe().seed
    assert {row["kernel"] for row in kept["classic"]} == {recipes.KERNEL}, "python bench/recipes.py --recipes classic"
    (row,) = [row for row in kept["classic"] if row["seed"] == Recipe().seed]
    accuracy, epochs = f"{row['test_accuracy']:.2%}", row["epochs"]
    terminal = (ROOT / "docs" / "terminal.svg").read_text().replace("&#160;", " ")
    assert f"accuracy {accuracy} of 10,000" in terminal
    assert f"{epochs}/15" in terminal
    assert f"{epochs + 1}/15" not in terminal
    notebook = (ROOT / "notebooks" / "first_network.ipynb").read_text()
    assert re.search(rf"classic +{accuracy} right \(.*\) after {epochs} epochs", notebook)


def test_the_exact_test_of_pairs():
    """Oracle: SciPy."""
    differences = np.random.default_rng(1).normal(0.1, 1, 9)
    expected = permutation_test((differences,), np.mean, permutation_type="samples", vectorized=True)
    assert recipes.paired_p(differences) == pytest.approx(expected.pvalue)
    assert recipes.paired_p(np.array([0.5, 0.25, 0.5])) == 2 / 8


def test_a_failing_turn_says_why_and_a_working_one_is_read():
    environment = dict(os.environ)
    failed = speed.observed([sys.executable, "-c", "import json; json.loads('no')"], environment)
    assert failed["error"].startswith("json.decoder.JSONDecodeError")
    assert failed["elapsed"] > 0
    assert len(failed["load"]) == 3
    worked = speed.parsed(
        speed.observed([sys.executable, "-c", "print('x'); print('{\"seconds\": [1]}')"], environment)
    )
    assert worked["seconds"] == [1]
    assert "error" in speed.parsed(speed.observed([sys.executable, "-c", ""], environment))


@pytest.mark.parametrize("script", ["tendigits_fit", "jax_scan"])
@pytest.mark.slow
def test_peers_train(script, small_npz):
    command = [sys.executable, speed.script(script), "--data", str(small_npz), "--epochs", "2", "--limit", "640"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    printed = json.loads(done.stdout.splitlines()[-1])
    assert set(printed) == {"peer", "seconds", "warmup", "peak_mb", "versions", "loss", "accuracy"}
    assert len(printed["seconds"]) == 2
    assert printed["warmup"] > 0
    assert printed["accuracy"] > 0.5
    assert 0 < printed["loss"] < 1.5
    assert printed["peak_mb"] > 50


def test_every_server_gets_the_same_picture(small_npz, tmp_path):
    bodies = serving.write_bodies(small_npz, tmp_path)
    digit = bodies["digit"][0].read_bytes()
    assert base64.b64decode(json.loads(bodies["json"][0].read_text())["image"]) == digit
    with np.load(small_npz) as data:
        assert Reader().digit(digit).label == data["y_test"][0]
    assert cv2.imread(str(bodies["photo"][0])).shape[:2] == (3000, 4000)


@pytest.mark.slow
def test_an_export_of_a_network_with_pooling(small_npz, tmp_path):
    source = open_source(exports.with_pooling(small_npz, tmp_path / "pooling.keras"), small_npz)
    row = exports.row("with pooling", source, "onnx", False, tmp_path)
    assert (row["format"], row["n"], row["agreement"]) == ("onnx", 200, 1)
