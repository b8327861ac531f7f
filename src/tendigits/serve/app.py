"""The application: the page, the REST API, and the security middleware in front of them.

app = create_app(ServerConfig(store="corrections.db"))
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from importlib.resources import files
from math import nan

import cv2
from anyio import CapacityLimiter
from fastapi import FastAPI, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, HTMLResponse
from fastapi.staticfiles import StaticFiles
from prometheus_client import generate_latest

from tendigits.errors import TendigitsError
from tendigits.machine import cores
from tendigits.pictures.image import prepare_for_threads
from tendigits.read.reader import Reader
from tendigits.serve.active_model import ActiveModel, fixed_reader
from tendigits.serve.app_state import AppState
from tendigits.serve.config import SHUTDOWN_SECONDS, ServerConfig
from tendigits.serve.edge.security import SecurityMiddleware
from tendigits.serve.errors import ErrorResponse, add_error_handlers, error_responses
from tendigits.serve.metrics import Metrics
from tendigits.serve.reading.digits import DigitReader
from tendigits.serve.reading.queue import ReadingQueue
from tendigits.serve.routes import corrections, networks, phone, play, read, tables
from tendigits.serve.routes import runs as run_routes
from tendigits.serve.routes.phone import PhotoInbox
from tendigits.teach.store import Store
from tendigits.web.pages import index_html

log = logging.getLogger("tendigits.serve")

PAGE = files("tendigits.web") / "page"

LOCK_TIMEOUT_SECONDS = 1.0
"""How long a call of the store waits for another process that has locked it; then the answer is 503."""

REFRESH_SECONDS = 3.0
"""How often the store is asked for its active network, and an idle playground is looked for."""


def create_app(config: ServerConfig, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> FastAPI:
    """Put the application together; its lifespan starts and ends all that it needs.

    Raises:
        TendigitsError: the store or the network cannot be used.
    """
    prepare_for_threads()
    cv2.setNumThreads(1)  # requests share the cores
    state = _make_state(config, now)
    app = FastAPI(
        title="tendigits",
        version=version("tendigits"),
        summary="Reads handwritten digits and learns from corrections.",
        lifespan=_lifespan,
        strict_content_type=False,  # a body without a content-type is JSON
        docs_url=None,  # FastAPI's page fetches its scripts from another server; ours is in page/docs.html
        redoc_url=None,
        responses={422: {"model": ErrorResponse}},
    )
    app.state.tendigits = state
    app.add_middleware(SecurityMiddleware, config=config, observe=state.metrics.observe)
    add_error_handlers(app)
    for module in (read, tables, corrections, networks, run_routes, play, phone):
        app.include_router(module.router)
    _add_health(app, state)
    _add_index(app)
    _add_docs(app)
    app.mount("/", StaticFiles(directory=str(PAGE), html=True))
    return app


def _make_state(config: ServerConfig, now: Callable[[], datetime]) -> AppState:
    store = Store(config.store, lock_timeout=LOCK_TIMEOUT_SECONDS)
    if config.model is None:
        active = ActiveModel.load(store)
    else:
        active = ActiveModel(fixed_reader(Reader(config.model, threads=1)))
    workers = config.workers or cores()
    pages = ReadingQueue(workers, config.timeout, active.current.source)
    threads = CapacityLimiter(workers)
    return AppState(
        store=store,
        runs=config.runs,
        active=active,
        is_fixed=config.model is not None,
        pages=pages,
        threads=threads,
        digits=DigitReader(pages, threads),
        metrics=Metrics(load=lambda: pages.load, corrections=partial(_count_or_nan, store)),
        photos=None if config.phone_url is None else PhotoInbox(config.phone_url),
        now=now,
    )


def _count_or_nan(store: Store) -> float:
    """The number of corrections for the metrics, which are answered also while the store does not answer."""
    try:
        return store.count()
    except TendigitsError:
        return nan


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    state: AppState = app.state.tendigits
    refreshing = asyncio.create_task(_refresh(state))
    ending = asyncio.create_task(_end_streams(state))
    state.pages.start()
    yield
    state.is_ending.set()
    refreshing.cancel()
    await ending
    await state.pages.close()


async def _refresh(state: AppState) -> None:
    """Follow `tendigits teach --accept`, or another server with the same store; end a playground that nobody uses."""
    while True:
        await asyncio.sleep(REFRESH_SECONDS)
        await state.play.end_if_idle()
        try:
            if not state.is_fixed:
                await run_in_threadpool(state.active.refresh, state.store)
        except TendigitsError as error:
            log.warning("%s", error)


async def _end_streams(state: AppState) -> None:
    """When the server stops, end what clients follow: uvicorn waits for their connections."""
    await state.is_ending.wait()
    if state.photos is not None:
        state.photos.end_wait(False)
    await asyncio.gather(state.play.close(), state.jobs.stop(SHUTDOWN_SECONDS))


def _add_index(app: FastAPI) -> None:
    page = HTMLResponse(index_html())
    for path in ("/", "/index.html"):
        app.add_route(path, lambda _: page)


def _add_docs(app: FastAPI) -> None:
    """The page of the API, with its files from fastapi-offline."""
    app.add_route("/docs", lambda _: FileResponse(str(PAGE / "docs.html")))
    app.mount("/docs", StaticFiles(packages=[("fastapi_offline", "static")]))


def _add_health(app: FastAPI, state: AppState) -> None:
    @app.get("/live", tags=["health"])
    async def live() -> dict[str, str]:
        """Whether the process answers."""
        return {"status": "live"}

    @app.get("/ready", tags=["health"], responses=error_responses(503))
    def ready() -> dict[str, str]:
        """Whether the store can be written to and the network is loaded."""
        state.store.check_writable()
        return {"status": "ready", "network": state.active.current.sha256}

    @app.get("/metrics", tags=["health"], response_class=Response)
    def metrics() -> Response:
        """Metrics for Prometheus; the number of corrections is NaN while the store does not answer."""
        return Response(generate_latest(state.metrics.registry), media_type="text/plain; version=0.0.4; charset=utf-8")
