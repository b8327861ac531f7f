"""The command `tendigits`: parses arguments, calls a command, and turns errors into one line and an exit code.

tendigits --help
"""

import difflib
import json
import logging
import os
import re
import signal
import sys
import threading
import traceback
from contextlib import suppress
from importlib.util import find_spec
from io import TextIOWrapper
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tendigits.batch.command import read
from tendigits.batch.demo import demo
from tendigits.batch.sheet import sheet
from tendigits.cluster import with_address
from tendigits.errors import Interrupted, TendigitsError, Terminated, UserError, printable, reason_of
from tendigits.export.command import export
from tendigits.machine import interrupt
from tendigits.options import PlainCommand, PlainGroup
from tendigits.report.command import data, evaluate, runs
from tendigits.serve.command import play, serve
from tendigits.sweep.command import sweep
from tendigits.teach.command import teach
from tendigits.train.command import TrainCommand, train

terminated = threading.Event()  # set by SIGTERM
INTERRUPTED = (128 + signal.SIGINT, 128 + signal.SIGTERM)  # exit codes after a signal
MAX_MESSAGE_CHARACTERS = 1000  # longer messages are cut; they may quote a value from a file

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

app = typer.Typer(
    cls=PlainGroup, pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]}
)

app.command(cls=TrainCommand)(train)
for command in (demo, read, sheet, serve, play, teach, evaluate, export, sweep, data, runs):
    app.command(cls=PlainCommand)(command)


@app.callback(invoke_without_command=True)
def tendigits(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="With --version: versions, build and machine, for a bug report.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks; may stand anywhere.")] = False,
) -> None:
    """Train the classic first Keras network on MNIST, and read the digits that people write."""
    if version:
        from tendigits.machine import describe_installation

        installation = describe_installation()
        typer.echo(json.dumps(installation, indent=1) if as_json else f"tendigits {installation['tendigits']}")
        raise typer.Exit
    if as_json or context.invoked_subcommand is None:
        raise UserError("expected a command, or --version; see: tendigits --help")


def main() -> None:
    """Run the command. A TendigitsError ends with one line and its exit code, any other error with one line and 1."""
    debug = "--debug" in sys.argv
    if debug:
        logging.basicConfig(format="%(message)s")
        logging.getLogger("tendigits").setLevel(logging.DEBUG)
    # Worker processes import the main module again, unless it is a package's __main__.
    sys.modules["__main__"].__spec__ = find_spec("tendigits.__main__")
    arguments = with_address([argument for argument in sys.argv[1:] if argument != "--debug"]) or ["--help"]
    terminated.clear()
    signal.signal(signal.SIGTERM, _on_terminate)
    sys.unraisablehook = _repeat_signal
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # characters that the terminal cannot show are escaped
            stream.reconfigure(errors="backslashreplace")
    try:
        code = app(arguments, standalone_mode=False)
        if code == 130 or terminated.is_set():  # typer's exit code for a KeyboardInterrupt
            code = _fail("interrupted", 130, debug)
    except TendigitsError as error:
        message = str(error)
        if isinstance(error, Interrupted) and "interrupted" not in message:
            message = f"interrupted {message}"
        code = _fail(message, error.exit_code, debug)
    except KeyboardInterrupt:  # while typer handled another one
        code = _fail("interrupted", 130, debug)
    except typer.Abort:
        code = _fail("aborted", 1, debug)
    except BrokenPipeError:
        sys.stderr.close()  # otherwise Python reports the closed pipe at exit
        code = 1
    except Exception as error:
        if hasattr(error, "format_message"):  # a usage error of typer's click
            code = _fail(_usage_message(error), 2, debug)
        else:
            code = _fail(f"unexpected {type(error).__name__}: {reason_of(error)} (--debug shows where)", 1, debug)
    if code in INTERRUPTED and "jax" in sys.modules:
        # JAX may still be computing; a regular exit could end in a segmentation fault.
        with suppress(OSError):  # a closed pipe
            sys.stdout.flush()
        os._exit(code)
    sys.exit(code or 0)


def _usage_message(error: Any) -> str:
    """What is wrong with the command line, what may have been meant, and where the command's help is."""
    text = reason_of(error.format_message()).rstrip(".")
    known = {command.callback.__name__ for command in app.registered_commands if command.callback}
    command = " ".join(["tendigits", *[word for word in sys.argv[1:] if word in known][:1]])
    if hasattr(error, "possibilities"):  # an option that does not exist
        options = error.ctx.command.get_params(error.ctx)
        names = {name.strip("-"): name for option in options for name in (*option.opts, *option.secondary_opts)}
        near = difflib.get_close_matches(error.option_name.strip("-"), names, n=1)
        text = f"There is no {error.option_name}" + (f"; did you mean {names[near[0]]}?" if near else "")
    elif choice := re.match(r"Invalid value for '(.+)': Value error, '(.*)' is not one of '(.*)'$", text):
        option, value, choices = choice[1], choice[2], choice[3].split("', '")
        near = difflib.get_close_matches(value, choices, n=1)
        text = f"{option} {value}: " + (f"did you mean {near[0]}? " if near else "") + f"expected {', '.join(choices)}"
    text = re.sub(r"^Invalid value for '(.+?)': (Input should be )?", _option_and_expected, text)
    text = re.sub(r", unable to parse.*", "", text)
    return f"{text}{'' if text.endswith('?') else '.'} See: {command} --help"


def _option_and_expected(start: re.Match[str]) -> str:
    return f"{start[1]}: expected " if start[2] else f"{start[1]}: "


def _fail(message: str, code: int, debug: bool) -> int:
    if terminated.is_set():  # a library may have replaced the exception
        code = 128 + signal.SIGTERM
        message = message if message.startswith("interrupted ") else "interrupted by SIGTERM"
    if code in INTERRUPTED:  # a second signal must not cut off the message
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
    if debug:
        traceback.print_exc()
    if len(message) > MAX_MESSAGE_CHARACTERS:
        message = f"{message[:MAX_MESSAGE_CHARACTERS]}..."
    typer.echo(f"tendigits: {printable(message)}", err=True)
    return code


def _repeat_signal(ignored: "UnraisableHookArgs") -> None:
    """Send a signal again whose exception was raised, and therefore ignored, in a finalizer or a callback of JAX."""
    if not issubclass(ignored.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(ignored)
    else:
        number = getattr(ignored.exc_type, "signal_number", signal.SIGINT)
        threading.Timer(0.05, interrupt, (number,)).start()


def _on_terminate(*_: object) -> None:
    terminated.set()
    raise Terminated
