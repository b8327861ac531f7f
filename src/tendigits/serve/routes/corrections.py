"""/v1/corrections: add, list, delete, export and import corrections of digits, and of whole numbers."""

from collections.abc import AsyncIterator, Iterator, Sequence
from io import BytesIO
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse

from tendigits.serve.app_state import AppState, State
from tendigits.serve.edge.json_body import JsonRoute
from tendigits.serve.errors import error_responses, sentence_of
from tendigits.serve.routes.correction_schemas import (
    CorrectionResponse,
    CorrectionsRequest,
    CorrectionsResponse,
    ExportedCorrection,
    ExportedNumber,
    ImportResponse,
    NumberResponse,
    NumbersRequest,
    NumbersResponse,
    as_crop,
    as_strip,
)
from tendigits.serve.store_calls import in_store_threads
from tendigits.teach.corrections import Correction, NumberCorrection
from tendigits.teach.store import MAX_CORRECTIONS

router = APIRouter(
    prefix="/v1/corrections", tags=["corrections"], route_class=JsonRoute, responses=error_responses(503)
)

Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
LINES = "application/x-ndjson"
CONTENT = {LINES: {"schema": {"type": "string"}}}

MAX_LINE = 2**18
"""Bytes of a line of an import; the widest strip has 218,456 characters."""

Part = Sequence[Correction | NumberCorrection]
First = Annotated[int, Query(ge=0, le=MAX_CORRECTIONS)]
Most = Annotated[int, Query(ge=1, le=1000)]
MostNumbers = Annotated[int, Query(ge=1, le=100, description="A strip may have 160 KB, a crop has 784 bytes.")]


@router.get("")
@in_store_threads
def list_corrections(state: State, first: First = 0, n: Most = 100) -> CorrectionsResponse:
    """At most `n` corrections of single digits, newest first, without the first `first`."""
    found = [CorrectionResponse.model_validate(item) for item in state.store.corrections(first, n)]
    return CorrectionsResponse(count=state.store.count_digits(), corrections=found)


@router.post("", status_code=201, responses=error_responses(409))
@in_store_threads
def add_corrections(state: State, request: CorrectionsRequest) -> CorrectionsResponse:
    """Store corrections; when this answers, they are on the disk. A new correction of a crop replaces the old one."""
    now = state.now()
    stored = state.store.add([
        Correction(as_crop(one.crop), one.label, one.predicted, one.source, state.active.current.sha256, now)
        for one in request.corrections
    ])  # fmt: skip
    added = [CorrectionResponse.model_validate(item) for item in stored]
    return CorrectionsResponse(count=state.store.count_digits(), corrections=added)


@router.delete("/{number}", status_code=204, responses=error_responses(404))
@in_store_threads
def delete_correction(state: State, number: Number) -> None:
    """Delete a correction of a single digit."""
    if not state.store.remove(number):
        raise HTTPException(404, f"there is no correction {number}")


@router.get("/numbers")
@in_store_threads
def list_numbers(state: State, first: First = 0, n: MostNumbers = 100) -> NumbersResponse:
    """At most `n` corrections of numbers, newest first, without the first `first`."""
    found = [NumberResponse.model_validate(item) for item in state.store.numbers(first, n)]
    return NumbersResponse(count=state.store.count_numbers(), numbers=found)


@router.post("/numbers", status_code=201, responses=error_responses(409))
@in_store_threads
def add_numbers(state: State, request: NumbersRequest) -> NumbersResponse:
    """Store corrections of numbers; a new correction of a strip replaces the old one."""
    now = state.now()
    stored = state.store.add([
        NumberCorrection(as_strip(one.strip), one.text, one.predicted, one.source, state.active.current.sha256, now)
        for one in request.numbers
    ])  # fmt: skip
    added = [NumberResponse.model_validate(item) for item in stored]
    return NumbersResponse(count=state.store.count_numbers(), numbers=added)


@router.delete("/numbers/{number}", status_code=204, responses=error_responses(404))
@in_store_threads
def delete_number(state: State, number: Number) -> None:
    """Delete a correction of a number."""
    if not state.store.remove_number(number):
        raise HTTPException(404, f"there is no correction {number} of a number")


@router.get("/export", response_class=StreamingResponse, responses={200: {"content": CONTENT}})
async def export_corrections(state: State) -> StreamingResponse:
    """All corrections as JSON lines, digits before numbers, oldest first, for /v1/corrections/import."""
    parts = state.store.parts()
    first = await state.store_threads.run(next, parts, [])  # if the store does not answer, not half of an answer
    headers = {"content-disposition": 'attachment; filename="corrections.jsonl"'}
    return StreamingResponse(_lines(state, first, parts), media_type=LINES, headers=headers)


@router.post(
    "/import",
    status_code=201,
    openapi_extra={"requestBody": {"required": True, "content": CONTENT}},
    responses=error_responses(400, 409, 413),
)
async def import_corrections(request: Request, state: State) -> ImportResponse:
    """Import an export: all of it, or nothing if a line is invalid. Corrections that are there already are replaced."""
    stored = await state.store_threads.run(state.store.add, _items(await request.body()))
    if not stored:
        raise HTTPException(400, "expected JSON lines from /v1/corrections/export, received none")
    return ImportResponse(read=len(stored), count=await state.store_threads.run(state.store.count))


async def _lines(state: AppState, part: Part, parts: Iterator[Part]) -> AsyncIterator[str]:
    """An export, from its first part on; the others are fetched as they are taken."""
    while part:
        yield await state.store_threads.run(_shown, part)
        part = await state.store_threads.run(next, parts, [])


def _shown(part: Part) -> str:
    kinds = [CorrectionResponse if isinstance(item, Correction) else NumberResponse for item in part]
    shown = [kind.model_validate(item) for kind, item in zip(kinds, part, strict=True)]
    return "".join(item.model_dump_json(exclude={"id"}) + "\n" for item in shown)


def _items(body: bytes) -> Iterator[Correction | NumberCorrection]:
    """The corrections of an import, one after another. Raises HTTPException for the first line that is none."""
    for number, line in enumerate(BytesIO(body), 1):
        if len(line) > MAX_LINE:
            raise HTTPException(400, f"line {number}: expected at most {MAX_LINE >> 10} KB. Nothing was imported.")
        try:
            is_number = b'"strip"' in line
            kind: type[ExportedNumber | ExportedCorrection] = ExportedNumber if is_number else ExportedCorrection
            yield kind.model_validate_json(line).correction()
        except ValidationError as error:
            reason = error.errors()[0]
            if reason["loc"] == ("patch",):
                raise HTTPException(
                    400, "this export was made by an older tendigits; open its store with this one and export again"
                ) from None
            raise HTTPException(400, f"line {number}: {sentence_of(reason)[:300]} Nothing was imported.") from None
