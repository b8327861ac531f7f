"""/v1/play: networks that learn in a child process while you watch and draw."""

from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Path, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.exceptions import HTTPException

from tendigits.errors import Failure
from tendigits.extras import require
from tendigits.model.setting import Setting
from tendigits.play.experiment import MAX_LAYERS, MAX_UNITS, Experiment, as_keras, as_recipe, controls
from tendigits.serve import work
from tendigits.serve.errors import MAX_REASON_CHARACTERS, error_responses
from tendigits.serve.routes.bodies import PICTURE_BODY, JsonRoute, in_pool, picture_of
from tendigits.serve.schemas import encode
from tendigits.serve.state import AppState, State

Result = TypeVar("Result")

router = APIRouter(prefix="/v1/play", tags=["play"], route_class=JsonRoute)

Network = Annotated[Literal["a", "b"], Path(description="One of two networks, side by side.")]
Layer = Annotated[int, Path(ge=0, le=MAX_LAYERS)]
Unit = Annotated[int, Path(ge=0, lt=MAX_UNITS)]

MISSING = error_responses(409, 503)


@dataclass(frozen=True)
class PlayResponse:
    """What can be set, and which networks there are."""

    settings: list[Setting]
    max_layers: int
    networks: dict[str, Experiment]


@dataclass(frozen=True)
class ExperimentResponse:
    """An experiment to take away."""

    parameters: int
    recipe: str  # as a recipe file for `tendigits train --recipe`
    keras: str  # as a Python program


@dataclass(frozen=True)
class NewNetworkResponse:
    """A network that was made."""

    layers: list[int]


@dataclass(frozen=True)
class DrawResponse:
    """What the networks output for a drawing, as they are now."""

    crop: str
    # For each network the ten `probabilities`, and for each of its hidden `layers` the `units`: bytes in base64,
    # 0 for `low`, 255 for `high`; Empty where nothing is drawn.
    networks: dict[str, Any]


@router.get("")
def get_playground(state: State) -> PlayResponse:
    """The settings of a network with their explanations, and the networks that exist."""
    return PlayResponse(controls(), MAX_LAYERS, state.play.experiments)


@router.post("/experiment")
def describe_experiment(experiment: Experiment) -> ExperimentResponse:
    """Count an experiment's parameters, and write it as a recipe file and as Keras code; nothing is trained."""
    return ExperimentResponse(experiment.n_parameters, as_recipe(experiment), as_keras(experiment))


@router.put("/networks/{network}", responses=MISSING)
async def make_network(state: State, network: Network, experiment: Experiment) -> NewNetworkResponse:
    """Make a network, untrained; one that was there is replaced. The first one starts the process, within seconds."""
    require("the playground", "train")
    return NewNetworkResponse(**await _or_503(state.play.build(network, experiment)))


@router.delete("/networks/{network}", status_code=204, responses=MISSING)
async def remove_network(state: State, network: Network) -> None:
    """Forget a network; the process ends with the last one."""
    await _or_503(state.play.remove(network))


@router.post("/train", status_code=204, responses=MISSING)
async def train(state: State) -> None:
    """Train all networks until /pause, in turns, so that both are at the same epoch."""
    await _ask(state, "train")


@router.post("/pause", status_code=204, responses=MISSING)
async def pause(state: State) -> None:
    """Stop training, and test the networks."""
    await _ask(state, "pause")


@router.post("/step/{unit}", status_code=204, responses=MISSING)
async def step(state: State, unit: Literal["batch", "epoch"]) -> None:
    """Train all networks on one batch, or to the end of the epoch."""
    await _ask(state, "step", unit=unit)


@router.post("/reset", status_code=204, responses=MISSING)
async def reset(state: State) -> None:
    """Give all networks their initial weights."""
    await _ask(state, "reset")


@router.post(
    "/draw",
    openapi_extra=PICTURE_BODY,
    responses=error_responses(400, 409, 413, 415, 503),
)
async def draw(request: Request, state: State) -> DrawResponse:
    """Show a picture of one digit to the networks as they are now, also while they learn."""
    crop = await in_pool(request, state, work.crop_of, await picture_of(request))
    pixels = encode(crop)
    return DrawResponse(pixels, await _ask(state, "draw", pixels=pixels) if crop.any() else {})


@router.get("/networks/{network}/layers/{layer}/units/{unit}", responses=MISSING)
async def look_at_unit(state: State, network: Network, layer: Layer, unit: Unit) -> dict[str, Any]:
    """What one unit responds to, as a picture, and the training digits that excite it most."""
    return await _ask(state, "look", network=network, layer=layer, unit=unit)


@router.get("/comparison", responses=MISSING)
async def compare_networks(state: State) -> dict[str, Any]:
    """Whether the difference between the networks is luck, and the test digits that they read differently."""
    return await _ask(state, "compare")


@router.get("/events", response_class=EventSourceResponse)
async def follow_networks(state: State) -> AsyncIterator[ServerSentEvent]:
    """The networks as server-sent events: the latest of each kind, then newer ones.

    `tick` ten times a second while a network learns: status, epoch, curve. `check` after an epoch: the test digits,
    confusions, mistakes, weights and activations. `end`: the process has ended, and why.
    """
    async for kind, data in state.play.follow():
        yield ServerSentEvent(event=kind, data=data)


async def _ask(state: AppState, do: str, **arguments: Any) -> dict[str, Any]:
    answer: dict[str, Any] = await _or_503(state.play.ask(do, **arguments))
    return answer


async def _or_503(request: Awaitable[Result]) -> Result:
    """Answer 503 with the reason if the process has ended; elsewhere a Failure is the store's."""
    try:
        return await request
    except Failure as error:
        raise HTTPException(503, str(error)[:MAX_REASON_CHARACTERS]) from None
