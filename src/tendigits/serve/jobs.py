"""Trainings and lessons in a process of their own, one at a time, with what they say as it comes.

job = await jobs.start("train", ["train", "--json", "--recipe", "fast"])
async for line in job.follow(): ...
await jobs.stop()

The processes are the commands that a person could type; they end by SIGTERM as those do, so a training that was
stopped can be resumed.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, cast

PATIENCE = 30.0
"""Seconds that a process has to end after SIGTERM: a training saves its best model first."""

MAX_LINES = 20_000


class Occupied(Exception):
    """A job is running; two would share the cores and both be late."""


@dataclass(eq=False)
class Job:
    """One process and what it has said."""

    id: int
    kind: str
    """train or teach."""
    about: dict[str, Any]
    status: str = "running"
    """running, finished, failed or stopped."""
    error: str | None = None
    lines: list[dict[str, Any]] = field(default_factory=list)
    """The JSON objects that it printed."""
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"id": self.id, "kind": self.kind, "about": self.about, "status": self.status, "error": self.error}

    async def follow(self) -> AsyncIterator[dict[str, Any]]:
        """All that was said, then what is said, until it ends."""
        seen = 0
        while True:
            news = self._news
            for line in self.lines[seen:]:
                seen += 1
                yield line
            if self.status != "running":
                return
            if seen == len(self.lines):
                await news.wait()

    def tell(self, line: dict[str, Any] | None = None) -> None:
        """Wake whoever follows."""
        if line is not None and len(self.lines) < MAX_LINES:
            self.lines.append(line)
        self._news.set()
        self._news = asyncio.Event()


class Jobs:
    """The jobs of this server."""

    def __init__(self) -> None:
        self._jobs: dict[int, Job] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def last(self) -> Job | None:
        """The one that runs, or ran last."""
        return next(reversed(self._jobs.values()), None)

    def get(self, number: int) -> Job | None:
        """One of them."""
        return self._jobs.get(number)

    async def start(self, kind: str, arguments: Sequence[str], about: dict[str, Any]) -> Job:
        """Run `tendigits ARGUMENTS` in a process. Raises Occupied."""
        if self.last is not None and self.last.status == "running":
            raise Occupied
        job = Job(len(self._jobs) + 1, kind, about)
        self._jobs[job.id] = job
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tendigits", *arguments,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            # Not of the server's group: Ctrl-C goes to the server alone, which then stops it.
            start_new_session=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}, limit=2**20,
        )  # fmt: skip
        self._task = asyncio.create_task(self._watch(job, self._process))
        return job

    async def stop(self) -> None:
        """End the running job as Ctrl-C would, and wait until it has; after PATIENCE it is killed."""
        job, process = self.last, self._process
        if job is None or process is None or self._task is None or job.status != "running":
            return
        job.error = "stopped"
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(asyncio.shield(self._task), PATIENCE)
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await self._task

    async def _watch(self, job: Job, process: asyncio.subprocess.Process) -> None:
        output, complaints = cast(asyncio.StreamReader, process.stdout), cast(asyncio.StreamReader, process.stderr)
        errors = asyncio.create_task(complaints.read())
        async for text in output:
            with suppress(ValueError):
                if isinstance(line := json.loads(text), dict):
                    job.tell(line)
        code = await process.wait()
        said = (await errors).decode(errors="replace").strip().splitlines()
        if job.error == "stopped":
            job.status, job.error = "stopped", None
        elif code:
            job.status, job.error = (
                "failed",
                said[-1].removeprefix("tendigits: ")[:500] if said else f"exit code {code}",
            )
        else:
            job.status = "finished"
        job.tell()
