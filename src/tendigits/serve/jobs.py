"""Background jobs, training and fine-tuning: one process at a time, its JSON output streamed as it arrives.

job = await jobs.start("train", ["train", "--json", "--recipe", "fast"])
async for line in job.follow(): ...
await jobs.stop()

A job is a command that a person could type. SIGTERM ends it in the same way, so stopped training can be resumed.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, cast

from tendigits.errors import reason_of

STOP_TIMEOUT = 30.0
"""Seconds between SIGTERM and SIGKILL: training saves its best model first."""

MAX_LINES = 20_000


LINE_BYTES = 2**20
"""Longest line that a job prints; its own have some hundred bytes."""

ERROR_BYTES = 2**16
"""The end of what a job writes to standard error that is kept: a traceback."""


class JobRunning(Exception):
    """Another job is running; two would compete for the cores."""


class JobNotStarted(Exception):
    """The system did not start the process: no memory, or too many open files."""


@dataclass(eq=False)
class Job:
    """One process and what it has printed."""

    id: int
    kind: str
    """train or teach."""
    parameters: dict[str, Any]
    """What a client should know of it, such as the recipe."""
    status: str = "running"
    """running, finished, failed or stopped."""
    error: str | None = None
    lines: list[dict[str, Any]] = field(default_factory=list)
    """The JSON objects that it printed."""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def follow(self) -> AsyncIterator[dict[str, Any]]:
        """Everything it has printed so far, then each new line until it ends."""
        seen = 0
        while True:
            changed, is_running = self._changed, self.status == "running"
            for line in self.lines[seen:]:
                seen += 1
                yield line
            if not is_running:
                return
            await changed.wait()  # set already if there were new lines meanwhile

    def end(self, status: str, error: str | None = None) -> None:
        """It has ended, or never began; wake the followers."""
        self.status, self.error = status, error
        self.publish()

    def publish(self, line: dict[str, Any] | None = None) -> None:
        """Wake the followers."""
        if line is not None and len(self.lines) < MAX_LINES:
            self.lines.append(line)
        self._changed.set()
        self._changed = asyncio.Event()


class Jobs:
    """The jobs of this server; at most one runs."""

    def __init__(self) -> None:
        self._jobs: dict[int, Job] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def last(self) -> Job | None:
        """The running job, or the last one."""
        return next(reversed(self._jobs.values()), None)

    def get(self, number: int) -> Job | None:
        """The job with this number."""
        return self._jobs.get(number)

    async def start(
        self,
        kind: str,
        arguments: Sequence[str],
        parameters: dict[str, Any],
        environment: Mapping[str, str] | None = None,
    ) -> Job:
        """Run `tendigits ARGUMENTS` in a new process.

        Args:
            environment: variables for it alone; a secret goes here, since other users see arguments.

        Raises:
            JobRunning, JobNotStarted
        """
        if self.last is not None and self.last.status == "running":
            raise JobRunning
        job = Job(len(self._jobs) + 1, kind, parameters)
        self._jobs[job.id] = job
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tendigits", *arguments,
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
                # Not in the server's process group: Ctrl-C reaches the server alone, which then stops the job.
                start_new_session=True, env={**os.environ, **(environment or {}), "PYTHONUNBUFFERED": "1"},
                limit=LINE_BYTES,
            )  # fmt: skip
        except BaseException as error:  # a client that hangs up cancels this, too; the next job must find a free place
            job.end("failed", f"the process did not start: {reason_of(error) or type(error).__name__}")
            if isinstance(error, OSError):
                raise JobNotStarted(job.error) from error
            raise
        self._task = asyncio.create_task(self._watch(job, self._process))
        return job

    async def stop(self, timeout: float = STOP_TIMEOUT) -> None:
        """Stop the running job as Ctrl-C would and wait for its end; kill it after `timeout` seconds."""
        job, process = self.last, self._process
        if job is None or process is None or self._task is None or job.status != "running":
            return
        job.error = "stopped"
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(asyncio.shield(self._task), timeout)
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await self._task

    async def _watch(self, job: Job, process: asyncio.subprocess.Process) -> None:
        output, messages = cast(asyncio.StreamReader, process.stdout), cast(asyncio.StreamReader, process.stderr)
        errors = asyncio.create_task(_end_of(messages))
        try:
            async for text in output:
                with suppress(ValueError):
                    if isinstance(line := json.loads(text), dict):
                        job.publish(line)
        except ValueError:  # a line longer than LINE_BYTES: none of ours
            with suppress(ProcessLookupError):
                process.kill()
        code = await process.wait()
        stderr = (await errors).decode(errors="replace").strip().splitlines()
        if job.error == "stopped":
            job.end("stopped")
        elif code:
            job.end("failed", stderr[-1].removeprefix("tendigits: ")[:500] if stderr else f"exit code {code}")
        else:
            job.end("finished")


async def _end_of(stream: asyncio.StreamReader) -> bytes:
    """Read all; gives the last ERROR_BYTES."""
    end = b""
    while part := await stream.read(ERROR_BYTES):
        end = (end + part)[-ERROR_BYTES:]
    return end
