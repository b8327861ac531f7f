"""The playground as the server sees it: a child process that is started when needed, and ended when idle.

playground = Playground()
await playground.ask("build", network="a", experiment=Experiment(hidden=(64,)))
await playground.ask("train")
async for kind, data in playground.follow(): ...     # ("tick", {...}), ("check", {...})
await playground.stop()

The process gets one request at a time, and one drawing; the others wait here, where a caller can be cancelled.
Followers get the latest event of each kind, not a queue of all: a slow one misses some, and costs no memory.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import count
from typing import Any

from tendigits.errors import Failure, UserError
from tendigits.play.experiment import Experiment
from tendigits.pool.child import Child

WORKER = ("-m", "tendigits.play.worker")
IDLE_SECONDS = 300.0  # without requests; then the process ends, unless somebody watches it learn: it holds a gigabyte
STOP_SECONDS = 5.0  # time for the process to end; then it is killed
ANSWER_SECONDS = 120.0  # time for an answer, the process's start included; then the process is ended
MAX_WAITING = 32  # requests that wait for their turn


class Playground:
    """At most one process, with the networks a and b."""

    def __init__(self, worker: Sequence[str] = WORKER, clock: Callable[[], float] = time.monotonic) -> None:
        self.experiments: dict[str, Experiment] = {}  # of the networks that exist
        self._worker, self._clock = worker, clock
        self._child: Child | None = None
        self._task: asyncio.Task[None] | None = None
        self._starting_or_ending = asyncio.Lock()
        self._turn, self._turn_to_draw = asyncio.Lock(), asyncio.Lock()
        self._n_waiting = 0
        self._numbers = count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        # (Kind, network) -> a number that rises with each event, and its data.
        self._events: dict[tuple[str, str], tuple[int, dict[str, Any]]] = {}
        self._changed = asyncio.Event()
        self._followers = 0
        self._used_at = clock()
        self._is_closed = False

    async def ask(self, do: str, **arguments: Any) -> Any:
        """Send the process a request after those that wait, and wait for its answer.

        "build" makes a network, in place of an earlier one, and starts the process if necessary; with the last network
        that "remove" forgets, it ends. "draw" waits for other drawings only. If the caller is cancelled, its request is
        not begun, or runs to its end.

        Raises:
            UserError: there is no process or no such network, or the request cannot be fulfilled.
            Failure: too many requests are waiting, or the process has ended or did not answer in time.
        """
        if self._n_waiting >= MAX_WAITING:
            raise Failure("too many requests are waiting for the playground; try again in a few seconds")
        turn = self._turn_to_draw if do == "draw" else self._turn
        self._n_waiting += 1
        try:
            await turn.acquire()
        finally:
            self._n_waiting -= 1

        def end(done: asyncio.Task[Any]) -> None:
            turn.release()
            if not done.cancelled():
                done.exception()  # asyncio would log one that nobody has looked at

        doing = asyncio.create_task(self._do(do, arguments))
        doing.add_done_callback(end)
        return await asyncio.shield(doing)

    async def follow(self) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """The latest events, then each newer one, as (kind, data); until `close`."""
        last = 0
        self._followers += 1
        try:
            while not self._is_closed:
                changed = self._changed
                for (kind, network), (number, data) in sorted(self._events.items(), key=lambda event: event[1][0]):
                    if number > last:
                        last = number
                        yield kind, {"network": network, **data}
                await changed.wait()
        finally:
            self._followers -= 1

    async def stop(self) -> None:
        """End the process and forget the networks."""
        async with self._starting_or_ending:
            self.experiments.clear()
            child, self._child = self._child, None  # from now on nothing is asked
            if child is not None and self._task is not None:
                await child.stop(STOP_SECONDS)
                await self._task

    async def close(self) -> None:
        """End everything, the followers too."""
        self._is_closed = True
        await self.stop()
        self._wake_followers()

    async def end_if_idle(self) -> None:
        """End the process if nobody has used it for IDLE_SECONDS."""
        is_learning = any(data.get("status") == "running" for _, data in self._events.values())
        if self._followers and is_learning:
            self._used_at = self._clock()
        if self._child is not None and self._clock() - self._used_at >= IDLE_SECONDS:
            await self._end(f"nobody used it for {IDLE_SECONDS / 60:g} minutes")

    async def _do(self, do: str, arguments: dict[str, Any]) -> Any:
        if do == "build":
            async with self._starting_or_ending:
                if self._child is None and not self._is_closed:
                    self._events.clear()
                    self._child = await Child.start(*self._worker)
                    self._task = asyncio.create_task(self._listen(self._child))
        if do in ("build", "remove"):
            network = arguments["network"]
            self.experiments.pop(network, None)
            self._events = {key: event for key, event in self._events.items() if key[1] != network}
        if do == "build":
            self.experiments[network] = arguments["experiment"]
            self._publish("tick", network, {"status": "starting"})
            arguments["experiment"] = arguments["experiment"].model_dump(mode="json")
        elif do == "remove" and not self.experiments:
            return await self.stop()
        return await self._send(do, arguments)

    async def _send(self, do: str, arguments: dict[str, Any]) -> Any:
        self._used_at = self._clock()
        if self._child is None:
            raise UserError("there is no network yet; make one first")
        number, answer = next(self._numbers), asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._child.send({"id": number, "do": do, **arguments})
                return await answer
        except TimeoutError:
            reason = f"the playground's process did not answer within {ANSWER_SECONDS:g} seconds"
            await self._end(reason)
            raise Failure(f"{reason} and was ended; make the networks again") from None
        finally:
            del self._answers[number]

    async def _end(self, reason: str) -> None:
        """End the process, and say why."""
        await self.stop()
        self._publish("end", "", {"error": reason})

    async def _listen(self, child: Child) -> None:
        """Hand out answers and events until the process ends."""
        async for message in child.messages():
            if "event" in message:
                if message["network"] in self.experiments:  # not removed meanwhile
                    self._publish(message["event"], message["network"], message["data"])
            elif (answer := self._answers.get(message["id"])) is not None and not answer.done():
                if "error" in message:
                    answer.set_exception(UserError(message["error"]))
                else:
                    answer.set_result(message["result"])
        _, reason = await child.wait()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(Failure(f"the playground's process has ended: {reason}"))
        self._events.clear()
        if self._child is child:  # it was not stopped
            self._child = None
            self.experiments.clear()
            self._publish("end", "", {"error": reason})

    def _publish(self, kind: str, network: str, data: dict[str, Any]) -> None:
        self._events[kind, network] = next(self._numbers), data
        self._wake_followers()

    def _wake_followers(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
