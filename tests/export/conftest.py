from collections.abc import Callable
from functools import cache

import pytest

from tendigits.export.formats import FORMATS, Exported, export_file
from tendigits.export.source import Source, open_source


@pytest.fixture(scope="session")
def source(run_that_reads) -> Source:
    return open_source(run_that_reads)


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
