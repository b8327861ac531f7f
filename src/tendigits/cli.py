"""The command `tendigits`: it parses, calls, and turns errors into one line and an exit code. It does nothing else.

tendigits --help
"""

import os
import re
import signal
import sys
import threading
import traceback
from contextlib import suppress
from importlib.util import find_spec
from io import TextIOWrapper
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tendigits.batch.command import read
from tendigits.cluster import with_address
from tendigits.errors import Interrupted, TendigitsError, printable, reason_of
from tendigits.export.command import export
from tendigits.report.command import data, evaluate, runs
from tendigits.serve.command import play, serve
from tendigits.sweep.command import sweep
from tendigits.teach.command import teach
from tendigits.train.command import TrainCommand, train

INTERRUPTED = (128 + signal.SIGINT, 128 + signal.SIGTERM)
"""Exit codes of what a signal ended."""

LONGEST = 1000
"""Characters of a message; it may quote a value from a file."""

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]}
)

app.command(cls=TrainCommand)(train)
for command in (read, serve, play, teach, evaluate, export, sweep, data, runs):
    app.command()(command)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"tendigits {version('tendigits')}")
        raise typer.Exit


@app.callback()
def tendigits(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_show_version)
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks; may stand anywhere.")] = False,
) -> None:
    """Train the classic first Keras network on MNIST, and read the digits that people write."""


def main() -> None:
    """Run the command; a TendigitsError becomes one line and its exit code, a bug one line and exit code 1."""
    debug = "--debug" in sys.argv
    # Worker processes import the main module again, unless it is a package's __main__.
    sys.modules["__main__"].__spec__ = find_spec("tendigits.__main__")
    arguments = with_address([argument for argument in sys.argv[1:] if argument != "--debug"]) or ["--help"]
    signal.signal(signal.SIGTERM, _terminated)
    sys.unraisablehook = _signal_again
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a name that the terminal's encoding lacks ends no command
            stream.reconfigure(errors="backslashreplace")
    try:
        code = app(arguments, standalone_mode=False)
        if code == 130:  # what typer makes of a KeyboardInterrupt
            _fail("interrupted", code, debug)
    except TendigitsError as error:
        is_unsaid = isinstance(error, Interrupted) and "interrupted" not in str(error)
        code = _fail(f"interrupted {error}" if is_unsaid else str(error), error.exit_code, debug)
    except typer.Abort:
        code = _fail("aborted", 1, debug)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone; Python would complain at exit
        code = 1
    except Exception as error:
        if hasattr(error, "format_message"):  # wrong usage, from typer's click
            code = _fail(f"{' '.join(_usage_sentence(error).split())} See: tendigits --help", 2, debug)
        else:
            code = _fail(f"unexpected {type(error).__name__}: {reason_of(error)} (--debug shows where)", 1, debug)
    if code in INTERRUPTED and "jax" in sys.modules:
        # JAX may still compute what was interrupted: taken down meanwhile, it ends the process by a segmentation fault.
        with suppress(OSError):  # the reader of our output has gone
            sys.stdout.flush()
        os._exit(code)
    sys.exit(code or 0)


def _fail(message: str, code: int, debug: bool) -> int:
    if code in INTERRUPTED:  # it ends: another signal would only take its last words
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
    if debug:
        traceback.print_exc()
    if len(message) > LONGEST:
        message = f"{message[:LONGEST]}..."
    typer.echo(f"tendigits: {printable(message)}", err=True)
    return code


def _usage_sentence(error: Any) -> str:
    """Typer's usage errors as sentences, such as "--port must be 0 to 65535, received 99999."."""
    option, invalid = getattr(error, "param", None), getattr(error.__cause__, "errors", None)
    if option is None or invalid is None:
        message = re.sub("^Invalid value for '(.+?)': ", r"\1: ", error.format_message())
        return f"{message.rstrip('.')}."
    problem = invalid()[0]
    low, high = option.min, option.max
    if low is not None and high is not None:
        expected = f"{low:g} to {high:g}"
    elif low is not None or high is not None:
        expected = f"at least {low:g}" if high is None else f"at most {high:g}"
    elif " is not one of " in problem["msg"]:
        expected = f"one of {problem['msg'].partition(' is not one of ')[2].rstrip('.')}"
    else:
        expected = {"int_parsing": "a whole number", "float_parsing": "a number"}.get(problem["type"], problem["msg"])
    return f"{option.opts[0]} must be {expected}, received {problem['input']}."


def _signal_again(ignored: "UnraisableHookArgs") -> None:
    """Python ignores what is raised in a finalizer or a callback of the garbage collector, and JAX has such a callback:
    the signal that ended there comes once more in a moment.
    """
    number = {KeyboardInterrupt: signal.SIGINT, Interrupted: signal.SIGTERM}.get(ignored.exc_type)
    if number is None:
        sys.__unraisablehook__(ignored)
    else:
        threading.Timer(0.05, os.kill, (os.getpid(), number)).start()


def _terminated(number: int, _: FrameType | None) -> None:
    raise Interrupted(f"by {signal.Signals(number).name}", number)
