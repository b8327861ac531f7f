"""report.html of a conditional GAN: what it writes, after each epoch, and how good that is.

write_samples_page(run, record, samples)
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tendigits.files import write_text
from tendigits.report import pictures
from tendigits.report.charts import thinned
from tendigits.report.html import files_in, page
from tendigits.report.messages import trained_line
from tendigits.report.run import Record, Run
from tendigits.train.samples import Samples

SHEETS = 8
"""Pictures of an epoch each on the page; all are in the folder."""


def write_samples_page(run: Run, record: Record, samples: Samples | None) -> None:
    """Write report.html into the run's folder.

    Args:
        samples: what was judged; None where there was no judge.

    Raises:
        DiskError: it could not be written.
        RunError: the run's recipe or history is damaged.
    """
    mistakes = [] if samples is None else _mistakes(samples)
    text = page(
        "samples.html.jinja",
        run,
        record,
        files_in(run.path),
        about=trained_line(run.recipe(), record),
        warnings=[record["data"]["warning"]] if record["data"]["warning"] else [],
        samples=samples,
        sheets=[*_sheets(run.path / "samples")],
        mistakes=mistakes,
    )
    write_text(run.path / "report.html", text)


def _mistakes(samples: Samples) -> list[dict[str, Any]]:
    """What was read otherwise than it was meant, with pictures."""
    return [
        {"true": one.true, "predicted": one.predicted, "probability": one.probability,
         "picture": pictures.ink(samples.images[one.index])}
        for one in samples.report.mistakes
    ]  # fmt: skip


def _sheets(folder: Path) -> Iterator[tuple[int, str]]:
    """Epoch and picture, of many the first, the last and some between, oldest first."""
    found = sorted(folder.glob("epoch-*.png"))
    for place in thinned(len(found), SHEETS):
        yield int(re.sub(r"\D", "", found[place].stem)), pictures.file(found[place])
