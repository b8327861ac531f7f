"""The command `tendigits read`.

tendigits read --help
"""

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tendigits.errors import DataError, Failure, Interrupted, UserError, printable
from tendigits.extras import require
from tendigits.files import write_text
from tendigits.numbers.grammar import DecimalSeparator
from tendigits.options import run_option
from tendigits.tables.options import Sums

if TYPE_CHECKING:
    from tendigits.batch.labels import Answer, Label
    from tendigits.batch.options import ReadOptions
    from tendigits.batch.output import Output
    from tendigits.batch.reading import Results
    from tendigits.batch.sources import Sources
    from tendigits.read.answer_key import Key
    from tendigits.read.expectations import Expectations

MAX_LISTED = 20  # unread pictures that are listed by name

# Options that exclude or need another, and why.
EXCLUDED = (
    ("--form", "--one", "a form is not a picture of one digit"),
    ("--expect", "--one", "a digit is read as what it looks like"),
)
NEEDED = (
    ("--ray", "--parquet", "--ray reads into a table; give its folder with --parquet"),
    ("--report", "--labels", "--report shows what is not as its label says; give the labels with --labels"),
    ("--key", "--form", "expected --form with --key, received --key alone; a key answers a form's fields"),
)
NOT_WITH_PARQUET = ("--csv", "--json", "--show", "--table", "--form", "--expect", "--key", "--labels")


def read(
    images: Annotated[
        list[str],
        typer.Argument(help="Pictures or folders of them; also addresses: s3://bucket/folder.", metavar="IMAGE..."),
    ],
    one: Annotated[bool, typer.Option("--one", help="Each picture is of one digit.")] = False,
    csv: Annotated[
        Path | None, typer.Option(help="Write a CSV with a row for each number; - is standard output.", metavar="FILE")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON for each picture.")] = False,
    table: Annotated[
        Path | None,
        typer.Option(help="Write the tables into a spreadsheet, or one into a CSV.", metavar="FILE.xlsx|FILE.csv"),
    ] = None,
    sums: Annotated[
        Sums, typer.Option("--sum", help="Where a table has its sums; numbers that agree with them are accepted.")
    ] = Sums.AUTO,
    expect: Annotated[
        str,
        typer.Option(
            help="What columns, the fields of a form, or all numbers are; numbers are read accordingly.",
            metavar="'A: 0..100, B: roster.csv'",
            show_default=False,
        ),
    ] = "",
    form: Annotated[
        Path | None, typer.Option(help="Read the fields of a form that this file describes.", metavar="FORM.toml")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(help="Mark the fields of a form by the answers in this file.", metavar="KEY.csv")
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            help="Compare with what stands there: a CSV with the columns path and label, or a folder of tables as CSV.",
            metavar="FILE.csv|FOLDER",
        ),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="With --labels: write a page with the wrong ones.", metavar="FILE.html")
    ] = None,
    show: Annotated[
        Path | None,
        typer.Option(help="Draw the results into a copy of the picture, or copies in a folder.", metavar="FILE|FOLDER"),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that exist; never the pictures.")
    ] = False,
    model: Annotated[Path | None, run_option("Read with this run's network.", default="the package's network")] = None,
    threshold: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Lowest accepted confidence.", metavar="0..1", show_default="at most 3% wrong"),
    ] = None,
    max_error: Annotated[
        str | None,
        typer.Option(help="Instead of a threshold: maximum fraction of wrong accepted numbers.", metavar="PERCENT"),
    ] = None,
    decimal: Annotated[DecimalSeparator, typer.Option(help="Decimal separator.")] = DecimalSeparator.AUTO,
    timeout: Annotated[
        float | None,
        typer.Option(min=0, help="Seconds until a picture counts as unreadable; 0: no limit.", metavar="SECONDS"),
    ] = 60,
    document_timeout: Annotated[
        float,
        typer.Option(min=0, help="Seconds until the rest of a document is not read; 0: no limit.", metavar="SECONDS"),
    ] = 600,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress bar.")] = False,
    parquet: Annotated[
        Path | None,
        typer.Option(help="Write Parquet files into this folder; run again to resume.", metavar="FOLDER"),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes, or actors on a cluster.", metavar="N", show_default="one for each core"),
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option(help="Read on a Ray cluster: local (the default), auto or HOST:PORT.", metavar="[ADDRESS]"),
    ] = None,
) -> None:
    """Read the numbers in pictures, as they are written: digits and the signs . , - / : + = ( ) % x"""
    _check_together(
        {
            "--one": one, "--csv": csv, "--json": as_json, "--table": table, "--expect": expect, "--form": form,
            "--key": key, "--labels": labels, "--report": report, "--show": show, "--parquet": parquet, "--ray": ray,
        }
    )  # fmt: skip
    from tendigits.batch.options import ReadOptions
    from tendigits.batch.reading import read_files, read_here
    from tendigits.batch.sources import find_pictures
    from tendigits.read.answer_key import load_key
    from tendigits.read.expectations import parse

    settings = {
        "model": model, "threshold": threshold, "max_error": _fraction(max_error), "decimal": decimal, "form": form
    }  # fmt: skip
    expected = parse(expect, fields=form is not None)
    if sums is not Sums.AUTO:
        expected = replace(expected, sums=sums)
    answers = load_key(key) if key is not None else None
    options = ReadOptions(settings, one, show is not None, workers, timeout or None, document_timeout or None, expected)
    sources = find_pictures(images)
    paths = sources.pictures
    if parquet is not None:
        _read_into(parquet, sources, options, ray, quiet)
        return
    is_single = paths == images[:1] and workers is None
    with nullcontext(read_here(options, paths[0], _end)) if is_single else read_files(options, paths) as results:
        # Imported while other processes open their networks.
        from tendigits.batch.output import Output, check, plan_show, progress_bar

        planned = plan_show(paths, show)
        shown = (("--show", path) for path in planned.values())
        outputs = [("--csv", csv), ("--table", table), ("--report", report), *shown]
        read: list[str | Path] = [*paths, *images, *filter(None, [form, key, labels]), *expected.paths]
        check(outputs, read, overwrite)
        label_of = _labels_of(labels, paths)
        fields = _fields_of(form, expected, answers, options, len(paths)) if form is not None else None
        with (
            progress_bar(quiet) as progress,
            Output(csv, as_json, one, len(paths) > 1, planned, table, labels is None, fields, answers) as output,
        ):
            done = _write_results(results, output, label_of, lambda n: progress(n, len(paths)))
    if done.answers:
        _compare(done.answers, report, is_stdout_taken=as_json or csv == Path("-"))
    sources = replace(sources, others=[each for each in sources.others if Path(each) != labels])
    _report(done.errors, sources, len(paths), done.notices + output.notices, done.lacks(len(paths), output.missing))


def _check_together(given: Mapping[str, Any]) -> None:
    """Raise UserError for options, by their names, of which one needs or excludes another."""
    if given["--parquet"] is not None:
        if names := ", ".join(name for name in NOT_WITH_PARQUET if given[name]):
            raise UserError(f"expected --parquet alone, received {names} too; the table has all results")
        require("--parquet", "scale")
    for option, other, reason in EXCLUDED:
        if given[option] and given[other]:
            raise UserError(f"expected {option} or {other}, received both; {reason}")
    for option, other, reason in NEEDED:
        if given[option] is not None and given[other] is None:
            raise UserError(reason)
    if given["--json"] and given["--csv"] == Path("-"):
        raise UserError("expected --json or --csv -, received both; only one can have standard output")


@dataclass
class Done:
    """What is reported after all pictures are read."""

    errors: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    n_blurred: int = 0  # pictures in which nothing was read
    n_partial: int = 0  # pictures of which only a part was read
    answers: "list[Answer]" = field(default_factory=list)  # what was read, and what the labels say

    def lacks(self, n_pictures: int, missing: str | None) -> str:
        """What is not there, of n pictures; `missing` is the output that is not."""
        nothing = f"too blurred to read: {self.n_blurred:,} of {n_pictures:,} pictures" if self.n_blurred else None
        partial = f"read only in part: {self.n_partial:,} of {n_pictures:,} pictures" if self.n_partial else None
        return "; ".join(filter(None, [nothing, partial, missing]))


def _write_results(
    results: "Results", output: "Output", label_of: "dict[str, Label]", progress: Callable[[int], None]
) -> Done:
    """Write each result as soon as it is there."""
    from tendigits.pictures.documents import split_address
    from tendigits.read.page import BLURRED

    done = Done()
    for n, (path, page) in enumerate(results, 1):
        if path in label_of:
            from tendigits.batch.labels import compare

            done.answers += compare(path, page, label_of[path])
        if isinstance(page, DataError):
            done.errors.append(str(page) if split_address(path)[0] in str(page) else f"{path}: {page}")
            output.write_error(path, done.errors[-1])
        else:
            output.write(path, page)
            done.n_partial += not page.is_whole
            if page.notice is not None:
                done.notices.append(f"{path}: {page.notice}")
                done.n_blurred += page.notice == BLURRED and not page.numbers
        progress(n)
    return done


def _labels_of(labels: Path | None, paths: Sequence[str]) -> "dict[str, Label]":
    if labels is None:
        return {}
    from tendigits.batch.labels import load_labels

    return load_labels(labels, paths)


def _fields_of(
    form: Path, expected: "Expectations", answers: "Key | None", options: "ReadOptions", n_pictures: int
) -> list[str]:
    """The names of a form's fields. Raises UserError if something is known about a field that it does not have."""
    from tendigits.batch.reading import failed
    from tendigits.pool.pool import MAX_JOB_BYTES
    from tendigits.pool.worker_process import watched
    from tendigits.read.forms import load_form

    with watched(MAX_JOB_BYTES, options.timeout, lambda reason: _end(failed(str(form), reason), n_pictures)):
        fields = [*load_form(form).fields]
    expected.check_fields(fields)
    if answers is not None:
        answers.check_fields(fields)
    return fields


def _compare(answers: "list[Answer]", report: Path | None, is_stdout_taken: bool) -> None:
    """Print how well the labelled pictures were read, and write a page with the wrong ones."""
    from tendigits.batch import labels

    typer.echo(labels.summary(answers), err=is_stdout_taken)
    if report is not None:
        write_text(report, labels.report(answers))


def _end(error: DataError, n_pictures: int = 1) -> None:
    """End this process, in which a picture takes too long or too much memory: C code cannot be interrupted."""
    _list([str(error), f"read 0 of {n_pictures:,} pictures; {n_pictures:,} could not be read"])
    os._exit(error.exit_code)


def _fraction(percent: str | None) -> float | None:
    """From "1%" to 0.01. Raises UserError."""
    if percent is None:
        return None
    with suppress(ValueError):
        if 0 < (fraction := float(percent.removesuffix("%")) / 100) < 1:
            return fraction
    raise UserError(f"expected a percentage such as 1% for --max-error, received {percent}")


def _read_into(folder: Path, sources: "Sources", options: "ReadOptions", ray: str | None, quiet: bool) -> None:
    from tendigits.batch.output import progress_bar
    from tendigits.batch.parquet import read_into

    try:
        with progress_bar(quiet) as progress:
            summary = read_into(folder, sources.pictures, options, ray=ray, progress=progress)
    except (KeyboardInterrupt, Interrupted) as error:
        number = getattr(error, "signal_number", signal.SIGINT)
        raise Interrupted("interrupted; what was read is kept, run the same command again to resume", number) from None
    before = f"; {summary.before:,} pictures had been read before" if summary.before else ""
    typer.echo(f"{folder}: {summary.numbers:,} numbers in {summary.pictures - len(summary.failed):,} pictures{before}")
    _report(summary.failed, sources, summary.pictures, summary.notices)


def _report(errors: list[str], sources: "Sources", n_pictures: int, notices: list[str], missing: str = "") -> None:
    """List what was not read, or read only in part, and which output is missing.

    Raises:
        Failure: pictures were not read, or an output is missing.
        DataError: no picture was read.
    """
    _list(notices)
    skipped = [(path, Path(path).suffix[1:].upper()) for path in sources.skipped]
    lines = errors + [f"skipped {path}: cannot read {kind}; save it as PNG or JPEG" for path, kind in skipped]
    if others := sources.others:
        named = ", ".join(others[:MAX_LISTED]) + (", ..." if len(others) > MAX_LISTED else "")
        what = "1 file that is not a picture" if len(others) == 1 else f"{len(others):,} files that are not pictures"
        typer.echo(f"tendigits: skipped {what}: {printable(named)}", err=True)
    _list([*dict.fromkeys(lines)])  # pages of a document may have an error together
    read = n_pictures - len(errors)
    unread = f"read {read:,} of {read + len(lines):,} pictures; {len(lines):,} could not be read" if lines else None
    if message := "; ".join(filter(None, [unread, missing])):
        raise Failure(message) if read else DataError(message)


def _list(lines: list[str]) -> None:
    for line in lines[:MAX_LISTED]:
        typer.echo(f"tendigits: {printable(line)}", err=True)
    if len(lines) > MAX_LISTED:
        typer.echo(f"tendigits: and {len(lines) - MAX_LISTED:,} more", err=True)
