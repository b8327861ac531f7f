"""Every script of the benchmarks can be imported, every peer run, and the documents show the committed results."""

import importlib
import json
from operator import attrgetter
from pathlib import Path

import pytest

import environments

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted(path.stem for path in (ROOT / "bench").glob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_is_importable_and_says_what_it_is(script):
    assert importlib.import_module(script).__doc__


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
        ("recipes", "table", "docs/results.md"),
        ("recipes", "short_table", "README.md"),
        ("scaling", "reading_table", "docs/scale.md"),
        ("scaling", "million_table", "docs/scale.md"),
        ("serving", "table", "bench/results/serving.md"),
        ("speed", "tables.text", "bench/results/speed.md"),
        ("table_reading", "text", "docs/paper.md"),
        ("teaching", "table", "docs/results.md"),
    ],
)
def test_a_document_shows_the_committed_results(script, function, document):
    module = importlib.import_module(script)
    record = json.loads(module.RESULTS.read_text())
    assert attrgetter(function)(module)(record) in (ROOT / document).read_text()
