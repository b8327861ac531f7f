"""The playground's process, as a server sees it: started when needed, asked, followed, ended when idle.

playground = Playground()
await playground.build("a", Experiment(hidden=(64,)))
await playground.ask("train")
async for name, data in playground.follow(): ...     # ("tick", {...}), ("check", {...})
await playground.stop()

Followers get the latest of each kind of event, not a queue of all: a slow one misses some, and holds no memory.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from typing import Any, cast

from tendigits.errors import Failure, UserError
from tendigits.play.experiment import Experiment

COMMAND = (sys.executable, "-m", "tendigits.play.worker")

IDLE_SECONDS = 300.0
"""Without a request, and without a follower of a network that learns, for so long: the process holds a gigabyte."""

STOP_SECONDS = 5.0
"""For the process to end by itself after its input has ended; then it is killed."""

MAX_LINE = 2**22
"""Bytes of a message; a check of 64 pictures has 150,000."""

ENDED = "the playground's process has ended"


class Playground:
    """At most one process, with the networks a and b."""

    def __init__(self, command: Sequence[str] = COMMAND, clock: Callable[[], float] = time.monotonic) -> None:
        self.experiments: dict[str, Experiment] = {}
        """The networks that exist."""
        self._command, self._clock = command, clock
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._asked = 0
        self._events: dict[str, tuple[int, dict[str, Any]]] = {}
        """Kind and network -> a number that rises with each event, and the event."""
        self._version = 0
        self._changed = asyncio.Event()
        self._followers = 0
        self._used = clock()
        self._is_closed = False

    async def build(self, network: str, experiment: Experiment) -> dict[str, Any]:
        """Make a network anew, and start the process if there is none. Returns its layers.

        Raises:
            Failure: the process has ended.
        """
        await self._start()
        self._forget(network)
        self.experiments[network] = experiment
        self._publish("tick", network, {"status": "starting"})
        try:
            result: dict[str, Any] = await self.ask(
                "build", network=network, experiment=experiment.model_dump(mode="json")
            )
        except UserError:
            self._forget(network)
            raise
        return result

    async def remove(self, network: str) -> None:
        """Forget a network; the process ends with the last one."""
        self._forget(network)
        if not self.experiments:
            await self.stop()
        elif self._process is not None:
            await self.ask("remove", network=network)

    async def ask(self, do: str, **arguments: Any) -> Any:
        """Ask the process for something.

        Raises:
            UserError: there is no process or no such network, or the request cannot be fulfilled.
            Failure: the process has ended meanwhile.
        """
        self._used = self._clock()
        if self._process is None:
            raise UserError("there is no network yet; make one first")
        self._asked += 1
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[self._asked] = answer
        writer = cast(asyncio.StreamWriter, self._process.stdin)
        try:
            writer.write(json.dumps({"id": self._asked, "do": do, **arguments}).encode() + b"\n")
            with suppress(ConnectionError):  # it has just ended, which `_watch` tells us
                await writer.drain()
            return await answer
        finally:
            self._waiting = {number: each for number, each in self._waiting.items() if each is not answer}

    async def follow(self) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """The latest events, then each newer one, as (kind, data); until `close`."""
        seen = 0
        self._followers += 1
        try:
            while not self._is_closed:
                changed = self._changed
                for version, event in sorted(self._events.values(), key=lambda each: each[0]):
                    if version > seen:
                        seen = version
                        yield event["event"], {"network": event["network"], **event["data"]}
                await changed.wait()
        finally:
            self._followers -= 1

    async def stop(self) -> None:
        """End the process and forget the networks."""
        async with self._lock:  # the next process starts when this one has ended
            self.experiments.clear()
            process, task = self._process, self._task
            if process is None or task is None:
                return
            self._process = None  # from now on nothing is asked
            cast(asyncio.StreamWriter, process.stdin).close()
            try:
                await asyncio.wait_for(asyncio.shield(task), STOP_SECONDS)
            except TimeoutError:
                with suppress(ProcessLookupError):
                    process.kill()
                await task

    async def close(self) -> None:
        """End everything, the followers too."""
        self._is_closed = True
        await self.stop()
        self._wake()

    async def end_if_idle(self) -> None:
        """End the process if nobody has used it for IDLE_SECONDS."""
        if self._followers and any(
            event["event"] == "tick" and event["data"]["status"] == "running" for _, event in self._events.values()
        ):
            self._used = self._clock()
        if self._process is not None and self._clock() - self._used >= IDLE_SECONDS:
            await self.stop()
            self._publish("end", "", {"error": f"nobody used it for {IDLE_SECONDS / 60:g} minutes"})

    async def _start(self) -> None:
        async with self._lock:
            if self._process is not None or self._is_closed:
                return
            self._events.clear()
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
                # Not in the server's process group: Ctrl-C reaches the server alone, which then ends the process.
                start_new_session=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}, limit=MAX_LINE,
            )  # fmt: skip
            self._task = asyncio.create_task(self._watch(self._process))

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        output, messages = cast(asyncio.StreamReader, process.stdout), cast(asyncio.StreamReader, process.stderr)
        errors = asyncio.create_task(_last_line(messages))
        async for text in output:
            message = json.loads(text)
            if "event" in message:
                if message["network"] in self.experiments:  # else it was removed meanwhile
                    self._publish(message["event"], message["network"], message["data"])
            elif (answer := self._waiting.get(message["id"])) is not None and not answer.done():
                if "error" in message:
                    answer.set_exception(UserError(message["error"]))
                else:
                    answer.set_result(message["result"])
        await process.wait()
        reason = await errors or _how_it_ended(process.returncode)
        is_unexpected = self._process is process
        if is_unexpected:
            self._process = None
            self.experiments.clear()
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(Failure(f"{ENDED}: {reason}"))
        self._events.clear()
        if is_unexpected:
            self._publish("end", "", {"error": reason})

    def _forget(self, network: str) -> None:
        self.experiments.pop(network, None)
        self._events = {key: each for key, each in self._events.items() if each[1]["network"] != network}

    def _publish(self, event: str, network: str, data: dict[str, Any]) -> None:
        self._version += 1
        self._events[f"{event} {network}"] = self._version, {"event": event, "network": network, "data": data}
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def _how_it_ended(code: int | None) -> str:
    """In words, where the process has said nothing itself."""
    if code is not None and code < 0:
        return f"signal {-code} killed the process; perhaps memory was short"
    return f"exit code {code}"


async def _last_line(messages: asyncio.StreamReader) -> str:
    """The last line of what a process writes to standard error, shortened; all of it is read, but not kept."""
    last = b""
    async for line in messages:
        last = line.strip() or last
    return last.decode(errors="replace")[:300]
