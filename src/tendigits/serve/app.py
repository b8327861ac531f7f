"""The application: the page, the REST API, and the security middleware in front of them.

app = create_app(Store("corrections.db"), "corrections.db")
uvicorn.run(app, http=limited_protocol())
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import cv2
from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, HTMLResponse
from fastapi.staticfiles import StaticFiles
from prometheus_client import generate_latest
from starlette.types import ASGIApp, Receive, Scope, Send

from tendigits.errors import TendigitsError
from tendigits.machine import cores
from tendigits.pictures.image import prepare_for_threads
from tendigits.play.session import Playground
from tendigits.read.reader import Reader
from tendigits.serve.active_model import ActiveModel, fixed_reader
from tendigits.serve.app_state import AppState
from tendigits.serve.command import TIMEOUT
from tendigits.serve.edge.body_budget import MAX_HELD, MAX_HELD_EACH, BodyBudget
from tendigits.serve.edge.security import SecurityMiddleware, SecuritySettings
from tendigits.serve.edge.shares import Shares
from tendigits.serve.errors import ErrorResponse, add_error_handlers, error_responses
from tendigits.serve.jobs import Jobs
from tendigits.serve.metrics import Metrics
from tendigits.serve.reading.batching import BoundedThreads
from tendigits.serve.reading.digit_pool import DigitPool
from tendigits.serve.reading.digits import DigitReading
from tendigits.serve.reading.fair_queue import QueueFull
from tendigits.serve.reading.pages import PagePool
from tendigits.serve.reading.work import prepare_reader
from tendigits.serve.routes import corrections, networks, phone, play, read, tables
from tendigits.serve.routes import runs as run_routes
from tendigits.serve.routes.phone import PhotoInbox
from tendigits.serve.store_calls import STORE_QUEUE, STORE_THREADS, count_or_nan
from tendigits.teach.store import Store
from tendigits.web.pages import index_html

log = logging.getLogger("tendigits.serve")

PAGE = files("tendigits.web") / "page"

SWAGGER_FILES = ("swagger-ui.css", "swagger-ui-bundle.js")
"""What page/docs.html asks for."""

QUEUE_SIZE = 64
"""Requests of located digits that may wait; further ones are answered with 503."""

REFRESH_SECONDS = 3.0
"""How often the store is asked for its active network, and whether anybody uses the playground."""

LOCAL = ("127.0.0.1", "localhost", "::1")


def create_app(
    store: Store,
    store_location: str,
    *,
    reader: Reader | None = None,
    runs: Path = Path("runs"),
    security: SecuritySettings = SecuritySettings(LOCAL),  # noqa: B008  # frozen
    workers: int | None = None,
    digit_workers: int = 0,
    pages: PagePool | None = None,
    jobs: Jobs | None = None,
    playground: Playground | None = None,
    photos: PhotoInbox | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> SecurityMiddleware:
    """Put the application together.

    Args:
        store: corrections and fine-tuned networks.
        store_location: the store's file, for the process that fine-tunes.
        reader: always reads with this one; None takes the store's active network, or the package's own.
        runs: folder of the training runs.
        security: which requests are accepted.
        workers: number of processes that read pages, and of threads that classify digits; None takes one per core.
        digit_workers: number of processes for pictures of one digit, which more than doubles the requests per second;
            with 0, threads read them.
        pages: the processes that read pages, if the server wants to stop them itself.
        jobs: background jobs, if the server wants to stop them itself.
        playground: the process of the page Play, likewise.
        photos: where a phone sends photos; None takes none.
        now: returns the time.
    """
    prepare_for_threads()
    cv2.setNumThreads(1)  # requests share the cores
    workers = workers or cores()
    threads = BoundedThreads(workers, QUEUE_SIZE)
    active = ActiveModel.load(store) if reader is None else ActiveModel(fixed_reader(reader))
    jobs = jobs or Jobs()
    playground = playground or Playground()
    store_threads = BoundedThreads(STORE_THREADS, STORE_QUEUE)
    source = active.current.source
    pages = pages or PagePool(workers, TIMEOUT, (prepare_reader, source))
    metrics = Metrics(lambda: threads.load + pages.load, partial(count_or_nan, store))
    digit_pool = DigitPool(digit_workers, source if source.is_package else None) if digit_workers else None
    digits = DigitReading(threads, digit_pool, concurrency=max(1, digit_workers))
    state = AppState(
        store, store_location, runs, active, threads, pages, store_threads, digits, jobs, metrics, now,
        is_fixed=reader is not None, play=playground, photos=photos,
    )  # fmt: skip

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(_refresh(state)), asyncio.create_task(_end_idle(playground))]
        if digit_pool is not None:
            digit_pool.start()
            pages.start()
        yield
        for task in tasks:
            task.cancel()
        await jobs.stop()
        await playground.close()
        await asyncio.gather(*(pool.close() for pool in (pages, digit_pool) if pool is not None))
        threads.close()
        store_threads.close()

    app = FastAPI(
        title="tendigits",
        version=version("tendigits"),
        summary="Reads handwritten digits and learns from corrections.",
        lifespan=lifespan,
        strict_content_type=False,  # a body without a content-type is JSON
        docs_url=None,  # FastAPI's page fetches its scripts from another server; ours is in page/docs.html
        redoc_url=None,
        responses={422: {"model": ErrorResponse}},
    )
    app.state.tendigits = state
    for module in (read, tables, corrections, networks, run_routes, play, phone):
        app.include_router(module.router)
    _add_index(app)
    _add_docs(app)
    _add_health(app, state)
    add_error_handlers(app)
    app.mount("/", StaticFiles(directory=str(PAGE), html=True))
    within = BodyBudget(_ignore_form_type(app), Shares(MAX_HELD, MAX_HELD_EACH))
    return SecurityMiddleware(within, security, metrics.observe)


def _ignore_form_type(app: ASGIApp) -> ASGIApp:
    """Drop the content-type that `curl --data` sends by default: no route takes such forms, so the body decides."""

    async def without_form_type(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            form = (b"content-type", b"application/x-www-form-urlencoded")
            scope["headers"] = [header for header in scope["headers"] if header != form]
        await app(scope, receive, send)

    return without_form_type


async def _refresh(state: AppState) -> None:
    """Follow what `tendigits teach --accept`, or another server with the same store, does."""
    while not state.is_fixed:
        await asyncio.sleep(REFRESH_SECONDS)
        try:
            await state.store_threads.run(state.active.refresh, state.store)
        except (TendigitsError, QueueFull) as error:
            log.warning("%s", error or "too many calls of the store are waiting")


def _add_index(app: FastAPI) -> None:
    page = HTMLResponse(index_html())
    for path in ("/", "/index.html"):
        app.add_route(path, lambda _: page)


def _add_docs(app: FastAPI) -> None:
    """The page of the API, with what it needs of fastapi-offline, which has files for other pages, too."""
    swagger = files("fastapi_offline") / "static"
    pages = {"/docs": PAGE / "docs.html"} | {f"/docs/{name}": swagger / name for name in SWAGGER_FILES}
    for path, file in pages.items():
        app.add_route(path, partial(_serve_file, str(file)))


def _serve_file(path: str, _: Request) -> FileResponse:
    return FileResponse(path)


async def _end_idle(playground: Playground) -> None:
    while True:
        await asyncio.sleep(REFRESH_SECONDS)
        await playground.end_if_idle()


def _add_health(app: FastAPI, state: AppState) -> None:
    @app.get("/live", tags=["health"])
    async def live() -> dict[str, str]:
        """Whether the process answers."""
        return {"status": "live"}

    @app.get("/ready", tags=["health"], responses=error_responses(503))
    async def ready() -> dict[str, str]:
        """Whether the store can be written to and the network is loaded."""
        await state.store_threads.run(state.store.check_writable)
        return {"status": "ready", "network": state.active.current.sha256}

    @app.get("/metrics", tags=["health"], response_class=Response)
    async def metrics() -> Response:
        """Metrics for Prometheus; the number of corrections is NaN while the store does not answer."""
        text = await state.store_threads.run(generate_latest, state.metrics.registry)
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")
