"""A child process that prints JSON lines: a background job of the server.

child = await Child.start("-m", "tendigits.pool.child", "train", "--json")

A child must end when its standard input does: this is how `stop` asks it to end, and why no child outlives its parent,
even if that is killed. `python -m tendigits.pool.child train --json` runs a `tendigits` command that ends in this way.
"""

import asyncio
import json
import os
import runpy
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any, cast

from tendigits.machine import interrupt

MAX_LINE_BYTES = 2**22  # longest line that a child may print: those of our commands have a few hundred bytes
MAX_STDERR_BYTES = 2**16  # of the end of standard error that is kept: room for a traceback
MAX_REASON_CHARACTERS = 500
NEW_GROUP = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)  # Windows' way to start a session


class Child:
    """One process, with pipes for its input, output and errors."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._stdin = cast(asyncio.StreamWriter, process.stdin)
        self._stdout = cast(asyncio.StreamReader, process.stdout)
        self._stderr = asyncio.create_task(_read_tail(cast(asyncio.StreamReader, process.stderr)))

    @classmethod
    async def start(cls, *arguments: str, environment: Mapping[str, str] | None = None) -> "Child":
        """Run Python with these arguments; secrets go into its environment, as other users see arguments.

        Raises OSError if the system cannot start it.
        """
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, stdin=pipe, stdout=pipe, stderr=pipe, limit=MAX_LINE_BYTES,
            # Outside the server's process group: Ctrl-C reaches the server alone, which then stops the child.
            start_new_session=True, creationflags=NEW_GROUP,
            env={**os.environ, **(environment or {}), "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"},
        )  # fmt: skip
        return cls(process)

    async def messages(self) -> AsyncIterator[dict[str, Any]]:
        """The JSON objects that it prints, until it ends; other lines are ignored. To be read by one task only."""
        async for line in self._stdout:
            message = None
            with suppress(ValueError):
                message = json.loads(line)
            if isinstance(message, dict):
                yield message

    async def wait(self) -> tuple[int, str]:
        """Wait for its end; returns its exit code and the reason, which is the last line of its standard error."""
        code = await self._process.wait()
        lines = (await self._stderr).decode(errors="replace").strip().splitlines()
        if lines:
            return code, lines[-1][:MAX_REASON_CHARACTERS]
        if code < 0:
            return code, f"signal {-code} killed the process; perhaps memory was short"
        return code, f"exit code {code}"

    async def stop(self, timeout: float) -> None:
        """Close its input and wait for its end; kill it after `timeout` seconds."""
        self._stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), timeout)
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()


async def _read_tail(stream: asyncio.StreamReader) -> bytes:
    """Read to the end; returns the last MAX_STDERR_BYTES."""
    tail = b""
    while part := await stream.read(MAX_STDERR_BYTES):
        tail = (tail + part)[-MAX_STDERR_BYTES:]
    return tail


def _terminate_with_input() -> None:
    while os.read(0, 1):  # not sys.stdin, whose lock Python would wait for at exit
        pass
    interrupt(signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_terminate_with_input, daemon=True).start()
    runpy.run_module("tendigits", run_name="__main__", alter_sys=True)
