"""Every script of the benchmarks can be imported, every peer run, and the documents show the committed results."""

import importlib
import json
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


TABLES = {
    "exports": ("docs/exports.md", "report"),
    "reading": ("bench/results/reading.md", "read_tables.text"),
    "recipes": ("docs/results.md", "table"),
    "serving": ("bench/results/serving.md", "table"),
    "speed": ("bench/results/speed.md", "tables.text"),
    "table_reading": ("docs/paper.md", "text"),
    "teaching": ("docs/results.md", "table"),
}


@pytest.mark.parametrize("script", TABLES)
def test_a_document_shows_the_committed_results(script):
    module = importlib.import_module(script)
    document, function = TABLES[script]
    format_ = module
    for name in function.split("."):
        format_ = getattr(format_, name)
    assert format_(json.loads(module.RESULTS.read_text())) in (ROOT / document).read_text()
