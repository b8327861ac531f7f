"""Which network reads a request, and POST /v1/layers: what its layers answer to a digit."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from tendigits.digits.layers import Layers, with_layers
from tendigits.digits.network import bundled_file
from tendigits.errors import UserError
from tendigits.extras import require
from tendigits.serve.active_model import ActiveReader
from tendigits.serve.app_state import AppState, State
from tendigits.serve.edge.json_body import JsonRoute
from tendigits.serve.errors import error_responses
from tendigits.serve.routes.correction_schemas import as_crop
from tendigits.serve.routes.run_networks import ReadingNetwork
from tendigits.serve.routes.runs import run_of
from tendigits.serve.schemas import Crop, LayerResponse, Strict

router = APIRouter(prefix="/v1", tags=["read"], route_class=JsonRoute)

RunName = Annotated[
    str | None,
    Query(min_length=1, max_length=200, alias="run", description="Read with this run's network, not the active one."),
]


class LayersRequest(Strict):
    """A digit."""

    crop: Crop


class LayersResponse(BaseModel):
    """The hidden layers, from the first to the last."""

    layers: list[LayerResponse]


async def reading_network(state: AppState, run: str | None) -> ActiveReader:
    """The active network, or that of a run by its name.

    Raises:
        HTTPException: 404, there is no such run.
        TendigitsError: the run has no network that reads.
    """
    if run is None:
        return state.active.current
    chosen = await state.networks.of_run(await run_in_threadpool(run_of, state, run))
    return ActiveReader(chosen.reader, chosen.source)


@router.post("/layers", responses=error_responses(404, 409))
async def show_layers(state: State, request: LayersRequest, run: RunName = None) -> LayersResponse:
    """What each hidden layer of a network answers to a digit, as pictures."""
    if run is None:
        active = state.active.current
        network = await state.networks.opened(active.sha256, lambda: _open_active(state, active))
    else:
        network = await state.networks.of_run(await run_in_threadpool(run_of, state, run))
    if network.layers is None:
        raise UserError("expected the reader's network, or a run's, received the server's --model; start without it")
    found = await state.threads.run(network.layers, as_crop(request.crop))
    return LayersResponse(layers=[LayerResponse.of(layer) for layer in found])


def _open_active(state: AppState, active: ActiveReader) -> ReadingNetwork:
    """The active network with its layers: the package's, or a fine-tuned one."""
    require("the layers of the reader", "train")
    if state.is_fixed:
        return ReadingNetwork(active.reader, None, active.source)
    data = bundled_file() if active.number is None else state.store.network_data(active.number)
    return ReadingNetwork(active.reader, Layers(with_layers(data), "reader"), active.source)
