"""/v1/teach, /v1/networks and /v1/jobs: fine-tune in the background, follow it, and choose the active network."""

from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from fastapi.concurrency import run_in_threadpool
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from tendigits.serve.errors import error_responses
from tendigits.serve.jobs import Job
from tendigits.serve.routes.bodies import JsonRoute
from tendigits.serve.state import State
from tendigits.teach.command import STORE
from tendigits.teach.store import MIN_CORRECTIONS

router = APIRouter(prefix="/v1", tags=["teach"], route_class=JsonRoute, responses=error_responses(503))

Number = Annotated[int, Path(ge=1, le=2**31 - 1)]


class NetworkResponse(BaseModel):
    """A fine-tuned network and its evaluation."""

    id: int
    sha256: str
    created: datetime
    accepted: datetime | None
    retired: datetime | None
    report: dict[str, Any]


class NetworksResponse(BaseModel):
    """The fine-tuned networks, newest first, and the number of the active one, or null for the package's own."""

    active: int | None
    sha256: str
    networks: list[NetworkResponse]


@router.post("/teach", status_code=202, responses=error_responses(409))
async def start_teaching(state: State) -> Job:
    """Fine-tune the reader on the corrections in the background; follow it with /v1/jobs/N/events.

    The new network appears in /v1/networks. It reads only after it was accepted.
    """
    if (n := await run_in_threadpool(state.store.count)) < MIN_CORRECTIONS:
        raise HTTPException(
            409, f"expected at least {MIN_CORRECTIONS} corrections to teach from, found {n}; correct some more digits"
        )
    return await state.jobs.start("teach", ["teach", "--json"], {"corrections": n}, {STORE: str(state.store.path)})


@router.get("/networks", response_model=NetworksResponse)
def list_networks(state: State) -> dict[str, Any]:
    """The fine-tuned networks, and which one is active."""
    active = state.active.current
    return {"active": active.number, "sha256": active.sha256, "networks": state.store.networks()}


@router.post("/networks/{number}/accept", response_model=NetworksResponse, responses=error_responses(404, 409))
def accept_network(state: State, number: Number) -> dict[str, Any]:
    """Make a network the active one, provided that it reads known digits."""
    if (network := state.store.network(number)) is None:
        raise HTTPException(404, f"there is no fine-tuned network {number}")
    state.active.accept(network, state.now())
    return list_networks(state)


@router.post("/networks/rollback", response_model=NetworksResponse, responses=error_responses(409))
def roll_back(state: State) -> dict[str, Any]:
    """Return to the network that was active before."""
    state.active.roll_back(state.now())
    return list_networks(state)


async def _job(state: State, number: Number) -> Job:
    if (job := state.jobs.get(number)) is None:
        raise HTTPException(404, f"there is no job {number}")
    return job


KnownJob = Annotated[Job, Depends(_job)]


@router.get("/jobs/last")
def get_last_job(state: State) -> Job | None:
    """The running job, or the last one."""
    return state.jobs.last


@router.get("/jobs/{number}/events", response_class=EventSourceResponse, responses=error_responses(404))
async def follow_job(job: KnownJob) -> AsyncIterator[ServerSentEvent]:
    """A job's progress from its beginning, as server-sent events; the last event, `end`, holds the job itself."""
    async for line in job.follow():
        yield ServerSentEvent(data=line)
    yield ServerSentEvent(event="end", data=asdict(job))


@router.delete("/jobs/{number}", responses=error_responses(404))
async def stop_job(state: State, job: KnownJob) -> Job:
    """Stop a job as Ctrl-C would; stopped training can be resumed."""
    if job.status == "running":
        await state.jobs.stop()
    return job
