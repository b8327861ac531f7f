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

import cv2
from fastapi import APIRouter, FastAPI, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles
from prometheus_client import generate_latest

from tendigits.errors import TendigitsError
from tendigits.pictures.image import prepare_for_threads
from tendigits.serve.config import ServerConfig
from tendigits.serve.errors import HANDLERS, ErrorResponse, error_responses
from tendigits.serve.routes import corrections, networks, phone, read, runs, sheets, tables
from tendigits.serve.routes.bodies import JsonRoute
from tendigits.serve.security import SecurityMiddleware
from tendigits.serve.state import AppState, State
from tendigits.web.pages import documents
from tendigits.web.playground import scripts

log = logging.getLogger("tendigits.serve")

PAGE = files("tendigits.web") / "page"

REFRESH_SECONDS = 3.0  # between looks for a newly accepted network

TITLES = {
    "live": "Is the server running?", "ready": "Is it ready to read?", "metrics": "Metrics for Prometheus",
    "read_digits": "Read digits as arrays", "mark_form": "Mark a form by an answer key",
    "make_sheet": "Make a sheet to print", "list_corrections": "List corrected digits",
    "add_corrections": "Correct digits", "list_numbers": "List corrected numbers", "add_numbers": "Correct numbers",
    "delete_correction": "Delete the correction of a digit", "delete_number": "Delete the correction of a number",
    "roll_back": "Return to the network before", "get_verdict": "Is the difference of two runs luck?",
    "get_phone": "Where a phone sends photos", "wait_for_photo": "Wait for a photo from a phone",
    "get_photo": "Fetch a photo from a phone", "join_sheets": "Join photos of the pages of sheets",
}  # fmt: skip
"""Of routes whose function's name says too little in the documentation."""

health = APIRouter(tags=["health"], route_class=JsonRoute)


def create_app(config: ServerConfig, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> FastAPI:
    """Put the application together. Raises TendigitsError if the store or the network cannot be used."""
    prepare_for_threads()
    cv2.setNumThreads(1)  # requests share the cores
    state = AppState(config, now)
    app = FastAPI(
        title="tendigits",
        version=version("tendigits"),
        summary="Reads handwritten digits and learns from corrections.",
        lifespan=_lifespan,
        strict_content_type=False,  # a body without a content-type is JSON
        generate_unique_id_function=lambda route: route.name,  # short titles in the documentation
        docs_url=None,  # FastAPI's page fetches its scripts from another server; ours is in page/docs.html
        redoc_url=None,
        responses={422: {"model": ErrorResponse}},
        exception_handlers=HANDLERS,
    )
    app.state.tendigits = state
    app.add_middleware(SecurityMiddleware, config=config, observe=state.metrics.observe)
    for router in (health, *(module.router for module in (read, tables, sheets, corrections, networks, runs, phone))):
        for route in router.routes:
            if isinstance(route, APIRoute):
                route.summary = TITLES.get(route.name) or route.name.replace("_", " ").capitalize()
        app.include_router(router)
    for path, html in documents().items():
        app.add_route(path, partial(lambda page, _: page, HTMLResponse(html)))
    for name, make in scripts().items():
        app.add_route(f"/{name}", partial(lambda make, _: Response(make(), media_type="text/javascript"), make))
    app.mount("/docs", StaticFiles(packages=[("fastapi_offline", "static")]))  # the files of the API's page
    app.mount("/", StaticFiles(directory=str(PAGE), html=True))
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    state: AppState = app.state.tendigits
    refreshing = asyncio.create_task(_refresh(state))
    state.queue.start()
    yield
    refreshing.cancel()
    await state.end_streams()
    await state.queue.close()


async def _refresh(state: AppState) -> None:
    """Follow `tendigits teach --accept`, or another server with the same store."""
    while True:
        await asyncio.sleep(REFRESH_SECONDS)
        try:
            await run_in_threadpool(state.active.refresh)
        except TendigitsError as error:
            log.warning("%s", error)


@health.get("/live")
async def live() -> dict[str, str]:
    """Whether the process answers."""
    return {"status": "live"}


@health.get("/ready", responses=error_responses(503))
def ready(state: State) -> dict[str, str]:
    """Whether the store can be written to and the network is loaded."""
    state.store.check_writable()
    return {"status": "ready", "network": state.active.current.sha256}


@health.get("/metrics", response_class=Response)
def metrics(state: State) -> Response:
    """Metrics for Prometheus; the number of corrections is NaN while the store does not answer."""
    return Response(generate_latest(state.metrics.registry), media_type="text/plain; version=0.0.4; charset=utf-8")
