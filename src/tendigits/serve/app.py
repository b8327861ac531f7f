"""The application: the page, the REST API, and what stands before them.

app = create_app(open_store("corrections.db"))
uvicorn.run(app, http=with_deadline(10.0))
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from tendigits.data.image import prepare_for_threads
from tendigits.errors import Failure, TendigitsError
from tendigits.read.reader import Reader
from tendigits.serve.active_model import Reading, sha256_of
from tendigits.serve.batching import Batcher, Busy, Crew
from tendigits.serve.finding import Finders, find_all
from tendigits.serve.jobs import Jobs, Occupied
from tendigits.serve.metrics import Metrics
from tendigits.serve.routes import corrections, read
from tendigits.serve.schemas import Failed, failures
from tendigits.serve.security import FAILED, Guard, Rules
from tendigits.serve.state import State
from tendigits.teach.store import Store

log = logging.getLogger("tendigits.serve")

PAGE = files("tendigits.serve") / "page"

WAITING = 64
"""Readings that may wait; the next one is told to come again."""

LARGE = 400_000
"""Bytes from which on a picture is large, and is read in the threads for large ones."""

EVERY = 3.0
"""Seconds after which the store is looked at for another network."""

LOCAL = ("127.0.0.1", "localhost", "::1")


def create_app(
    store: Store,
    place: str,
    *,
    reader: Reader | None = None,
    runs: Path = Path("runs"),
    rules: Rules = Rules(LOCAL),  # noqa: B008  # frozen
    workers: int | None = None,
    finders: int = 0,
    jobs: Jobs | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Guard:
    """Put it together.

    Args:
        store: of corrections and taught networks; closed when the application ends.
        place: the store's file or URL, for the processes in which lessons are given.
        reader: reads whatever is taught; None takes the network that was accepted last, or the package's.
        runs: the folder of the runs.
        rules: who is heard.
        workers: threads that read; None takes one for each core.
        finders: processes that find the digit in pictures of one, which more than doubles the requests a second; with 0
            threads do it.
        jobs: trainings and lessons, where the server wants to stop them by itself.
        now: the time.
    """
    prepare_for_threads()
    cores = workers or os.cpu_count() or 1
    crew = Crew(cores, WAITING)
    reading = Reading.of(store) if reader is None else Reading(reader, sha256_of(reader))
    slow, jobs = Crew(max(1, cores // 2), WAITING // 4), jobs or Jobs()
    metrics = Metrics(lambda: crew.load + slow.load, store.count)
    processes = Finders(finders)
    find = processes.find if finders else partial(crew.run, find_all)
    batcher = Batcher(read.together(find, crew), at_a_time=max(1, finders))
    state = State(store, place, runs, reading, crew, slow, LARGE, batcher, jobs, metrics, now, fixed=reader is not None)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        following = asyncio.create_task(_keep_up(state))
        await processes.start()
        yield
        following.cancel()
        await jobs.stop()
        await processes.close()
        crew.close()
        slow.close()
        store.close()

    app = FastAPI(
        title="tendigits",
        version=version("tendigits"),
        summary="Reads handwritten digits, and learns from what it is told.",
        lifespan=lifespan,
        docs_url=None,  # these pages would fetch their scripts from elsewhere
        redoc_url=None,
        responses={422: {"model": Failed}},
    )
    app.state.tendigits = state
    for api in (read, corrections, jobs, runs):
        app.include_router(api.router)
    _add_health(app, state)
    _add_errors(app)
    app.mount("/", StaticFiles(directory=str(PAGE), html=True))
    return Guard(app, rules, metrics.watch)


async def _keep_up(state: State) -> None:
    """See what `tendigits teach --accept`, or another server on the same store, has done."""
    while not state.fixed:
        await asyncio.sleep(EVERY)
        try:
            await run_in_threadpool(state.reading.keep_up, state.store)
        except TendigitsError as error:
            log.warning("%s", error)


def _add_health(app: FastAPI, state: State) -> None:
    @app.get("/live", tags=["health"])
    async def live() -> dict[str, str]:
        """The process answers."""
        return {"status": "live"}

    @app.get("/ready", tags=["health"], responses=failures(503))
    def ready() -> dict[str, str]:
        """The store answers, too, and the network is loaded."""
        state.store.count()
        return {"status": "ready", "network": state.reading.sha256}

    @app.get("/metrics", tags=["health"], response_class=Response)
    def metrics() -> Response:
        """For Prometheus."""
        return Response(state.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _add_errors(app: FastAPI) -> None:
    """Every error in one shape: what was expected, and the number of the request in the log."""

    def answer(request: Request, status: int, reason: str, **headers: str) -> JSONResponse:
        content = {"error": reason, "status": status, "request_id": request.scope["request_id"]}
        return JSONResponse(content, status, headers)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        return answer(request, error.status_code, str(error.detail), **(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        first: dict[str, Any] = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"] if part != "body")
        return answer(request, 422, f"{place}: {first['msg']}"[:300])

    @app.exception_handler(Exception)
    async def failed(request: Request, _: Exception) -> JSONResponse:
        return answer(request, 500, FAILED)  # what it was goes on to the guard, who logs it

    @app.exception_handler(Busy)
    async def busy(request: Request, _: Busy) -> JSONResponse:
        return answer(request, 503, "too many pictures wait; come again in a second", **{"retry-after": "1"})

    @app.exception_handler(Occupied)
    async def occupied(request: Request, _: Occupied) -> JSONResponse:
        return answer(request, 409, "a training or a lesson is running; wait for it, or stop it")

    @app.exception_handler(TendigitsError)
    async def ours(request: Request, error: TendigitsError) -> JSONResponse:
        if isinstance(error, Failure):
            return answer(request, 503, "the store does not answer; nothing of this was kept", **{"retry-after": "5"})
        return answer(request, 409, str(error)[:300])
