from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tendigits.export.formats import FORMATS, Exported, export_file
from tendigits.export.source import Source, open_source
from tendigits.model.recipe import Recipe
from tendigits.train.pipeline import run_recipe

RECIPE = Recipe(
    name="small", convolutions=("8x5/2", "16/2"), hidden=(), dropout=0.2, batch_size=32, learning_rate=0.003, epochs=4,
    validation_split=0.1,
)  # fmt: skip


@pytest.fixture(scope="session")
def run(digits_npz, tmp_path_factory) -> Path:
    """The folder of a finished run."""
    return run_recipe(RECIPE, digits_npz, runs=tmp_path_factory.mktemp("runs"), name="one").run.path


@pytest.fixture(scope="session")
def source(run) -> Source:
    return open_source(run)


@pytest.fixture(scope="session")
def reader(digits_npz) -> Source:
    """The reader's network."""
    return open_source("reader", digits_npz)


@pytest.fixture(scope="session")
def exported(source, reader, tmp_path_factory) -> Callable[..., Exported]:
    """Each export is made once: exported("source", "onnx", int8=True)."""
    sources = {"source": source, "reader": reader}

    @cache
    def export(which: str, to: str, int8: bool = False) -> Exported:
        out = tmp_path_factory.mktemp(f"{which}-{to}") / f"a{FORMATS[to].suffix}"
        return export_file(sources[which], to, int8=int8, out=out)

    return export
