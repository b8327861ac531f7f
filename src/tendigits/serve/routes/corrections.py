"""/v1/corrections: what people say that the reader did not; listed, undone, exported and imported."""

import base64
import json
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from tendigits.serve.schemas import (
    CorrectionAnswer,
    CorrectionsAnswer,
    ExportedCorrection,
    Imported,
    NewCorrections,
    as_crop,
    failures,
)
from tendigits.serve.state import state_of
from tendigits.teach.store import MAX_CORRECTIONS, Correction

router = APIRouter(prefix="/v1/corrections", tags=["corrections"])

Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
LINES = "application/x-ndjson"


@router.get("")
def list_corrections(
    request: Request,
    first: Annotated[int, Query(ge=0, le=MAX_CORRECTIONS)] = 0,
    n: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> CorrectionsAnswer:
    """The newest first, `n` of them after the first `first`."""
    store = state_of(request).store
    found = [CorrectionAnswer.of(item) for item in store.corrections(first, n)]
    return CorrectionsAnswer(count=store.count(), corrections=found)


@router.post("", status_code=201, responses=failures(409))
def add_corrections(request: Request, new: NewCorrections) -> CorrectionsAnswer:
    """Keep corrections. When this answers they are on the disk; of the same crop only the last is kept."""
    state = state_of(request)
    now = state.now()
    kept = state.store.add([
        Correction(as_crop(one.crop), one.label, one.said, one.source, state.reading.sha256, now)
        for one in new.corrections
    ])  # fmt: skip
    return CorrectionsAnswer(count=state.store.count(), corrections=[CorrectionAnswer.of(item) for item in kept])


@router.delete("/{number}", status_code=204, responses=failures(404))
def undo_correction(request: Request, number: Number) -> Response:
    """Undo one."""
    if not state_of(request).store.remove(number):
        raise HTTPException(404, f"expected a correction with the number {number}, there is none")
    return Response(status_code=204)


@router.get(
    "/export",
    response_class=Response,
    responses={200: {"content": {LINES: {"schema": {"type": "string"}}}}, **failures(422)},
)
def export_corrections(request: Request) -> Response:
    """All of them, a line of JSON each, oldest first; /v1/corrections/import takes it."""
    lines = []
    for item in reversed(state_of(request).store.corrections()):
        content = {
            "crop": base64.b64encode(item.crop.tobytes()).decode(),
            "label": item.label,
            "said": item.said,
            "source": item.source,
            "network": item.network,
            "created": item.created.isoformat(),
        }
        lines.append(json.dumps(content) + "\n")
    headers = {"content-disposition": 'attachment; filename="corrections.jsonl"'}
    return Response("".join(lines), media_type=LINES, headers=headers)


@router.post(
    "/import",
    status_code=201,
    openapi_extra={"requestBody": {"required": True, "content": {LINES: {"schema": {"type": "string"}}}}},
    responses=failures(400, 409, 413),
)
async def import_corrections(request: Request) -> Imported:
    """Take an export, all of it or, where a line is wrong, nothing. What is there already is not doubled."""
    state = state_of(request)
    items = []
    for number, line in enumerate((await request.body()).splitlines(), 1):
        try:
            items.append(ExportedCorrection.model_validate_json(line).correction())
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise HTTPException(400, f"line {number}: {place}: {first['msg']}; nothing was imported") from None
    if not items:
        raise HTTPException(400, "expected lines of JSON as /v1/corrections/export gives, received none")
    await run_in_threadpool(state.store.add, items)
    return Imported(read=len(items), count=await run_in_threadpool(state.store.count))
