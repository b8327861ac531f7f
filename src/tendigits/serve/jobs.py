"""Background jobs: training and teaching, one at a time, each a `tendigits` command in a child process.

job = await jobs.start("train", ["train", "--json", "--recipe", "fast"], {"recipe": "fast"})
async for line in job.follow(): ...
await jobs.stop()

A job that is stopped ends as by Ctrl-C, so its training can be resumed.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from starlette.exceptions import HTTPException

from tendigits.errors import reason_of
from tendigits.pool.child import Child

STOP_SECONDS = 30.0  # time for a stopped job to save its best model; then it is killed
MAX_LINES = 20_000  # lines of output that are kept for followers; further ones are dropped


@dataclass(eq=False)
class Job:
    """Training or fine-tuning in the background."""

    id: int
    kind: Literal["train", "teach"]
    parameters: dict[str, Any]  # what a client should know of it, such as the recipe
    status: Literal["running", "finished", "failed", "stopped"]
    error: str | None

    def __post_init__(self) -> None:
        self._lines: list[dict[str, Any]] = []
        self._changed = asyncio.Event()
        self.is_stopping = False

    async def follow(self) -> AsyncIterator[dict[str, Any]]:
        """The JSON objects that it has printed so far, then each new one until it ends."""
        n = 0
        while n < len(self._lines) or self.status == "running":
            if n == len(self._lines):
                await self._changed.wait()
                continue
            yield self._lines[n]
            n += 1

    async def run(self, child: Child) -> None:
        """Collect what the process prints, until it ends."""
        async for line in child.messages():
            if len(self._lines) < MAX_LINES:
                self._lines.append(line)
                self._wake_followers()
        code, reason = await child.wait()
        if self.is_stopping:
            self.status = "stopped"
        elif code:
            self.status, self.error = "failed", reason.removeprefix("tendigits: ")
        else:
            self.status = "finished"
        self._wake_followers()

    def _wake_followers(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class Jobs:
    """The jobs of this server; at most one runs."""

    def __init__(self) -> None:
        self._jobs: list[Job] = []
        self._child: Child | None = None
        self._task: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()

    @property
    def last(self) -> Job | None:
        """The running job, or the last one."""
        return self._jobs[-1] if self._jobs else None

    def get(self, number: int) -> Job | None:
        """The job with this number, from 1."""
        return self._jobs[number - 1] if 0 < number <= len(self._jobs) else None

    async def start(
        self,
        kind: Literal["train", "teach"],
        arguments: Sequence[str],
        parameters: dict[str, Any],
        environment: Mapping[str, str] | None = None,
    ) -> Job:
        """Run `tendigits ARGUMENTS` in a child process, with `environment` added to its variables.

        Raises HTTPException: 409, another job is running; 503, the system did not start the process.
        """
        async with self._starting:
            if self._task is not None and not self._task.done():
                raise HTTPException(409, "training or teaching is running already; wait for it, or stop it")
            try:
                self._child = await Child.start("-m", "tendigits.pool.child", *arguments, environment=environment)
            except OSError as error:
                reason = f"the process did not start: {reason_of(error)}"
                raise HTTPException(503, reason, {"retry-after": "5"}) from error
            job = Job(len(self._jobs) + 1, kind, parameters, "running", None)
            self._jobs.append(job)
            self._task = asyncio.create_task(job.run(self._child))
            return job

    async def stop(self, timeout: float = STOP_SECONDS) -> None:
        """Stop the running job as Ctrl-C would and wait for its end; kill it after `timeout` seconds."""
        if self.last is None or self._child is None or self._task is None or self._task.done():
            return
        self.last.is_stopping = True
        await self._child.stop(timeout)
        await self._task
