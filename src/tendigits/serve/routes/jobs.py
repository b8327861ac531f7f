"""/v1/teach, /v1/networks and /v1/jobs: a lesson in the background, its progress, and which network reads."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.exceptions import HTTPException

from tendigits.serve.jobs import Job
from tendigits.serve.schemas import JobAnswer, NetworkAnswer, NetworksAnswer, failures
from tendigits.serve.state import State, state_of
from tendigits.teach.store import LEAST_TO_LEARN

router = APIRouter(prefix="/v1", tags=["teach"])

Number = Annotated[int, Path(ge=1, le=2**31 - 1)]


@router.post("/teach", status_code=202, responses=failures(409))
async def teach(request: Request) -> JobAnswer:
    """Teach the reader the corrections, in the background; /v1/jobs/N/events tells how it goes.

    The network that comes out is in /v1/networks, and reads only when it is accepted.
    """
    state = state_of(request)
    if (n := await run_in_threadpool(state.store.count)) < LEAST_TO_LEARN:
        raise HTTPException(
            409, f"expected at least {LEAST_TO_LEARN} corrections to learn from, found {n}; correct some more"
        )
    job = await state.jobs.start("teach", ["teach", "--json", "--store", state.place], {"corrections": n})
    return JobAnswer(**job.as_dict())


@router.get("/networks")
def list_networks(request: Request) -> NetworksAnswer:
    """The taught networks, and which one reads."""
    return _networks(state_of(request))


@router.post("/networks/{number}/accept", responses=failures(404, 409))
def accept(request: Request, number: Number) -> NetworksAnswer:
    """Read with this network from now on, if it reads digits that are known; else the one before goes on."""
    state = state_of(request)
    _refuse_fixed(state)
    if (taught := state.store.network(number)) is None:
        raise HTTPException(404, f"expected a taught network with the number {number}, there is none")
    state.reading.use(taught, state.store)
    state.store.accept(number, state.now())
    return _networks(state)


@router.post("/networks/rollback", responses=failures(409))
def roll_back(request: Request) -> NetworksAnswer:
    """Read with the network that read before."""
    state = state_of(request)
    _refuse_fixed(state)
    state.reading.use(state.store.roll_back(state.now()), state.store)
    return _networks(state)


def _job(request: Request, number: Number) -> Job:
    if (job := state_of(request).jobs.get(number)) is None:
        raise HTTPException(404, f"expected a job with the number {number}, there is none")
    return job


KnownJob = Annotated[Job, Depends(_job)]


@router.get("/jobs/last")
def last_job(request: Request) -> JobAnswer | None:
    """The training or lesson that runs, or ran last."""
    job = state_of(request).jobs.last
    return None if job is None else JobAnswer(**job.as_dict())


@router.get("/jobs/{number}/events", response_class=EventSourceResponse, responses=failures(404))
async def events(job: KnownJob) -> AsyncIterator[ServerSentEvent]:
    """All that a job has said and says, as server-sent events; the last one, `end`, has the job itself."""
    async for line in job.follow():
        yield ServerSentEvent(data=line)
    yield ServerSentEvent(event="end", data=job.as_dict())


@router.delete("/jobs/{number}", responses=failures(404))
async def stop(request: Request, job: KnownJob) -> JobAnswer:
    """Stop a job as Ctrl-C would: a training can be resumed."""
    if job.status == "running":
        await state_of(request).jobs.stop()
    return JobAnswer(**job.as_dict())


def _networks(state: State) -> NetworksAnswer:
    reading = state.store.reading()
    return NetworksAnswer(
        reading=None if reading is None or state.fixed else reading.id,
        sha256=state.reading.sha256,
        networks=[NetworkAnswer.of(taught) for taught in state.store.networks()],
    )


def _refuse_fixed(state: State) -> None:
    if state.fixed:
        raise HTTPException(409, "the server was started with --model, which is what reads; start it without")
