"""/v1/play: networks that learn in a child process while you watch and draw."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from tendigits.digits.find import find_digit
from tendigits.digits.layers import encode
from tendigits.extras import require
from tendigits.model.setting import Setting
from tendigits.play.experiment import MAX_LAYERS, MAX_UNITS, Experiment, as_keras, as_recipe, controls
from tendigits.serve.errors import error_responses
from tendigits.serve.routes.bodies import PICTURE_BODY, JsonRoute, in_pool, picture_of, while_connected
from tendigits.serve.state import State

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
    networks: dict[str, Any]
    """For each network the ten `probabilities`, and for each of its hidden `layers` the `units`: bytes in base64, 0 for
    `low`, 255 for `high`. Empty where nothing is drawn."""


@router.get("")
def get_playground(state: State) -> PlayResponse:
    """The settings of a network with their explanations, and the networks that exist."""
    return PlayResponse(controls(), MAX_LAYERS, state.play.experiments)


@router.post("/experiment")
def describe_experiment(experiment: Experiment) -> ExperimentResponse:
    """Count an experiment's parameters, and write it as a recipe file and as Keras code; nothing is trained."""
    return ExperimentResponse(experiment.n_parameters, as_recipe(experiment), as_keras(experiment))


@router.put("/networks/{network}", responses=MISSING)
async def make_network(request: Request, state: State, network: Network, experiment: Experiment) -> NewNetworkResponse:
    """Make a network, untrained; one that was there is replaced. The first one starts the process, within seconds."""
    require("the playground", "train")
    building = state.play.ask("build", network=network, experiment=experiment)
    return NewNetworkResponse(**await while_connected(request, building))


@router.delete("/networks/{network}", status_code=204, responses=MISSING)
async def remove_network(request: Request, state: State, network: Network) -> None:
    """Forget a network; the process ends with the last one."""
    await while_connected(request, state.play.ask("remove", network=network))


@router.post("/train", status_code=204, responses=MISSING)
async def train(request: Request, state: State) -> None:
    """Train all networks until /pause, in turns, so that both are at the same epoch."""
    await while_connected(request, state.play.ask("train"))


@router.post("/pause", status_code=204, responses=MISSING)
async def pause(request: Request, state: State) -> None:
    """Stop training, and test the networks."""
    await while_connected(request, state.play.ask("pause"))


@router.post("/step/{unit}", status_code=204, responses=MISSING)
async def step(request: Request, state: State, unit: Literal["batch", "epoch"]) -> None:
    """Train all networks on one batch, or to the end of the epoch."""
    await while_connected(request, state.play.ask("step", unit=unit))


@router.post("/reset", status_code=204, responses=MISSING)
async def reset(request: Request, state: State) -> None:
    """Give all networks their initial weights."""
    await while_connected(request, state.play.ask("reset"))


@router.post(
    "/draw",
    openapi_extra=PICTURE_BODY,
    responses=error_responses(400, 409, 413, 415, 503),
)
async def draw(request: Request, state: State) -> DrawResponse:
    """Show a picture of one digit to the networks as they are now, also while they learn."""
    crop = (await in_pool(request, find_digit, await picture_of(request))).crop
    pixels = encode(crop)
    if not crop.any():
        return DrawResponse(pixels, {})
    return DrawResponse(pixels, await while_connected(request, state.play.ask("draw", pixels=pixels)))


@router.get("/networks/{network}/layers/{layer}/units/{unit}", responses=MISSING)
async def look_at_unit(request: Request, state: State, network: Network, layer: Layer, unit: Unit) -> dict[str, Any]:
    """What one unit responds to, as a picture, and the training digits that excite it most."""
    looking = state.play.ask("look", network=network, layer=layer, unit=unit)
    found: dict[str, Any] = await while_connected(request, looking)
    return found


@router.get("/comparison", responses=MISSING)
async def compare_networks(request: Request, state: State) -> dict[str, Any]:
    """Whether the difference between the networks is luck, and the test digits that they read differently."""
    compared: dict[str, Any] = await while_connected(request, state.play.ask("compare"))
    return compared


@router.get("/events", response_class=EventSourceResponse)
async def follow_networks(state: State) -> AsyncIterator[ServerSentEvent]:
    """The networks as server-sent events: the latest of each kind, then newer ones.

    `tick` ten times a second while a network learns: status, epoch, curve. `check` after an epoch: the test digits,
    confusions, mistakes, weights and activations. `end`: the process has ended, and why.
    """
    async for kind, data in state.play.follow():
        yield ServerSentEvent(event=kind, data=data)
