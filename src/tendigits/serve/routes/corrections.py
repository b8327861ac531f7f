"""/v1/corrections: add, list, delete, export and import corrections."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from tendigits.serve.app_state import State
from tendigits.serve.errors import error_responses, sentence_of
from tendigits.serve.schemas import (
    CorrectionResponse,
    CorrectionsRequest,
    CorrectionsResponse,
    ExportedCorrection,
    ImportResponse,
    as_crop,
)
from tendigits.teach.store import MAX_CORRECTIONS, Correction

router = APIRouter(prefix="/v1/corrections", tags=["corrections"])

Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
LINES = "application/x-ndjson"
CONTENT = {LINES: {"schema": {"type": "string"}}}


@router.get("")
def list_corrections(
    state: State,
    first: Annotated[int, Query(ge=0, le=MAX_CORRECTIONS)] = 0,
    n: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> CorrectionsResponse:
    """At most `n` corrections, newest first, without the first `first`."""
    found = [CorrectionResponse.model_validate(item) for item in state.store.corrections(first, n)]
    return CorrectionsResponse(count=state.store.count(), corrections=found)


@router.post("", status_code=201, responses=error_responses(409))
def add_corrections(state: State, request: CorrectionsRequest) -> CorrectionsResponse:
    """Store corrections; when this answers, they are on the disk. A new correction of a crop replaces the old one."""
    now = state.now()
    stored = state.store.add([
        Correction(as_crop(one.crop), one.label, one.predicted, one.source, state.active.sha256, now)
        for one in request.corrections
    ])  # fmt: skip
    added = [CorrectionResponse.model_validate(item) for item in stored]
    return CorrectionsResponse(count=state.store.count(), corrections=added)


@router.delete("/{number}", status_code=204, responses=error_responses(404))
def delete_correction(state: State, number: Number) -> None:
    """Delete a correction."""
    if not state.store.remove(number):
        raise HTTPException(404, f"there is no correction {number}")


@router.get("/export", response_class=Response, responses={200: {"content": CONTENT}, **error_responses(422)})
def export_corrections(state: State) -> Response:
    """All corrections as JSON lines, oldest first, for /v1/corrections/import."""
    lines = [
        CorrectionResponse.model_validate(item).model_dump_json(exclude={"id"}) + "\n"
        for item in reversed(state.store.corrections())
    ]
    headers = {"content-disposition": 'attachment; filename="corrections.jsonl"'}
    return Response("".join(lines), media_type=LINES, headers=headers)


@router.post(
    "/import",
    status_code=201,
    openapi_extra={"requestBody": {"required": True, "content": CONTENT}},
    responses=error_responses(400, 409, 413),
)
async def import_corrections(request: Request, state: State) -> ImportResponse:
    """Import an export: all of it, or nothing if a line is invalid. Corrections that are there already are replaced."""
    items = []
    for number, line in enumerate((await request.body()).splitlines(), 1):
        try:
            items.append(ExportedCorrection.model_validate_json(line).correction())
        except ValidationError as error:
            reasons = error.errors()
            if any(reason["loc"] == ("patch",) for reason in reasons):
                raise HTTPException(
                    400, "this export was made by an older tendigits; open its store with this one and export again"
                ) from None
            raise HTTPException(400, f"line {number}: {sentence_of(reasons[0])} Nothing was imported.") from None
    if not items:
        raise HTTPException(400, "expected JSON lines from /v1/corrections/export, received none")
    await run_in_threadpool(state.store.add, items)
    return ImportResponse(read=len(items), count=await run_in_threadpool(state.store.count))
