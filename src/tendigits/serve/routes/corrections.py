"""/v1/corrections: add, list, delete, export and import corrections of digits, as crops, and of numbers, as strips."""

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from io import BytesIO
from itertools import chain
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import AfterValidator, BaseModel, FailFast, Field, ValidationError, model_validator
from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse

from tendigits.numbers.decode import CHARACTERS
from tendigits.serve.errors import error_responses, sentence_of
from tendigits.serve.routes.bodies import JsonRoute, address_of
from tendigits.serve.schemas import MAX_DIGITS, MAX_REASON_CHARACTERS, Crop, Label, Strict, Strip
from tendigits.serve.state import State
from tendigits.teach.store import MAX_CORRECTIONS, PIXELS_PER_CHARACTER, Correction, NumberCorrection

router = APIRouter(
    prefix="/v1/corrections", tags=["corrections"], route_class=JsonRoute, responses=error_responses(503)
)

JSON_LINES = "application/x-ndjson"
CONTENT = {JSON_LINES: {"schema": {"type": "string"}}}

MAX_LINE_BYTES = 2**18  # of an import; the widest strip has 218,456 characters
TEXT = f"A number of the characters {CHARACTERS}, or nothing where there is no number"


def _in_utc(time: datetime) -> datetime:
    """A time without a zone is local time."""
    try:
        return time.astimezone(UTC)
    except (OverflowError, ValueError, OSError):  # such as 0001-01-01T00:00+01:00
        raise ValueError("expected a time from the years 1 to 9999, in UTC, too") from None


TYPED = str.maketrans("xX*", "×××")  # what people type, for keyboards have no ×

Text = Annotated[str, Field(description=TEXT, max_length=512), AfterValidator(lambda text: text.translate(TYPED))]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Created = Annotated[datetime, Field(strict=False), AfterValidator(_in_utc)]

Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
First = Annotated[int, Query(ge=0, le=MAX_CORRECTIONS)]
MaxCorrections = Annotated[int, Query(ge=1, le=1000)]
MaxNumbers = Annotated[int, Query(ge=1, le=100, description="A strip may have 160 KB, a crop has 784 bytes.")]


class NewCorrection(Strict):
    """A crop and its label; null is "not a digit"."""

    crop: Crop
    label: Label | None
    predicted: Label | None = None
    source: Literal["draw", "picture", "api"] = "api"


class NewNumber(Strict):
    """A strip and the number that it shows."""

    strip: Strip
    text: Text
    predicted: Text = ""
    source: Literal["picture", "api"] = "api"

    @model_validator(mode="after")
    def _fits(self) -> Self:
        width = self.strip.shape[1]
        for text in (self.text, self.predicted):
            if foreign := sorted(set(text) - set(CHARACTERS)):
                expected = f"expected a number of the characters {CHARACTERS}"
                raise ValueError(f"{expected}, received {foreign[0]!r}; leave it out")
            if len(text) > (most := width // PIXELS_PER_CHARACTER):
                expected = f"expected at most {most} characters in a strip of {width} pixels"
                raise ValueError(f"{expected}, received {len(text)}; correct only the number in this picture")
        return self


class ExportedCorrection(NewCorrection):
    """A line of an export."""

    source: Literal["draw", "picture", "api", "import"] = "import"  # type: ignore[assignment]
    network: Sha256
    created: Created


class ExportedNumber(NewNumber):
    """A line of an export with a number."""

    source: Literal["picture", "api", "import"] = "import"  # type: ignore[assignment]
    network: Sha256
    created: Created


class CorrectionsRequest(Strict):
    """One or more corrections."""

    corrections: Annotated[list[NewCorrection], Field(min_length=1, max_length=MAX_DIGITS), FailFast()]


class NumbersRequest(Strict):
    """One or more corrections of numbers."""

    numbers: Annotated[list[NewNumber], Field(min_length=1, max_length=MAX_DIGITS), FailFast()]


class CorrectionResponse(BaseModel):
    """A stored correction."""

    id: int
    crop: Crop
    label: Label | None
    predicted: Label | None
    source: str
    network: str
    created: datetime


class StoredNumberResponse(BaseModel):
    """A stored correction of a number."""

    id: int
    strip: Strip
    text: str
    predicted: str
    source: str
    network: str
    created: datetime


class CorrectionsResponse(BaseModel):
    """Some of the corrections of single digits, newest first, and the number of all of them."""

    count: int
    corrections: list[CorrectionResponse]


class NumbersResponse(BaseModel):
    """Some of the corrections of numbers, newest first, and the number of all of them."""

    count: int
    numbers: list[StoredNumberResponse]


class ImportResponse(BaseModel):
    """Corrections read from the import, and the number in the store now."""

    read: int
    count: int


@router.get("", response_model=CorrectionsResponse)
def list_corrections(state: State, first: First = 0, n: MaxCorrections = 100) -> dict[str, Any]:
    """At most `n` corrections of single digits, newest first, without the first `first`."""
    return {"count": state.store.count("digit"), "corrections": state.store.corrections(first, n)}


@router.post("", status_code=201, response_model=CorrectionsResponse, responses=error_responses(409))
def add_corrections(state: State, request: CorrectionsRequest) -> dict[str, Any]:
    """Store corrections; when this answers, they are on the disk. A new correction of a crop replaces the old one."""
    origin: dict[str, Any] = {"network": state.active.current.sha256, "created": state.now()}
    stored = state.store.add([Correction(**vars(new), **origin) for new in request.corrections])
    return {"count": state.store.count("digit"), "corrections": stored}


@router.delete("/{number}", status_code=204, responses=error_responses(404))
def delete_correction(state: State, number: Number) -> None:
    """Delete a correction of a single digit."""
    if not state.store.remove(number):
        raise HTTPException(404, f"there is no correction {number}")


@router.get("/numbers", response_model=NumbersResponse)
def list_numbers(state: State, first: First = 0, n: MaxNumbers = 100) -> dict[str, Any]:
    """At most `n` corrections of numbers, newest first, without the first `first`."""
    return {"count": state.store.count("number"), "numbers": state.store.numbers(first, n)}


@router.post("/numbers", status_code=201, response_model=NumbersResponse, responses=error_responses(409))
def add_numbers(state: State, request: NumbersRequest) -> dict[str, Any]:
    """Store corrections of numbers; a new correction of a strip replaces the old one."""
    origin: dict[str, Any] = {"network": state.active.current.sha256, "created": state.now()}
    stored = state.store.add([NumberCorrection(**vars(new), **origin) for new in request.numbers])
    return {"count": state.store.count("number"), "numbers": stored}


@router.delete("/numbers/{number}", status_code=204, responses=error_responses(404))
def delete_number(state: State, number: Number) -> None:
    """Delete a correction of a number."""
    if not state.store.remove(number, "number"):
        raise HTTPException(404, f"there is no correction {number} of a number")


@router.get("/export", response_class=StreamingResponse, responses={200: {"content": CONTENT}})
def export_corrections(request: Request, state: State) -> StreamingResponse:
    """All corrections as JSON lines, digits before numbers, oldest first, for /v1/corrections/import."""
    parts = state.store.parts()
    first = next(parts, [])  # before the answer begins: the store may not answer
    rest = chain([first], parts)

    async def next_lines() -> str:
        async with state.queue.turn(address_of(request)):
            return await run_in_threadpool(lambda: _as_lines(next(rest, [])))

    async def lines() -> AsyncIterator[str]:
        while text := await next_lines():
            yield text

    headers = {"content-disposition": 'attachment; filename="corrections.jsonl"'}
    return StreamingResponse(lines(), media_type=JSON_LINES, headers=headers)


@router.post(
    "/import",
    status_code=201,
    openapi_extra={"requestBody": {"required": True, "content": CONTENT}},
    responses=error_responses(400, 409, 413),
)
async def import_corrections(request: Request, state: State) -> ImportResponse:
    """Import an export: all of it, or nothing if a line is invalid. Corrections that are there already are replaced."""
    body = await request.body()
    async with state.queue.turn(address_of(request)):
        stored = await run_in_threadpool(state.store.add, _parse_lines(body))
        if not stored:
            raise HTTPException(400, "expected JSON lines from /v1/corrections/export, received none")
        return ImportResponse(read=len(stored), count=await run_in_threadpool(state.store.count))


def _as_lines(items: Sequence[Correction | NumberCorrection]) -> str:
    lines = []
    for item in items:
        kind = CorrectionResponse if isinstance(item, Correction) else StoredNumberResponse
        lines.append(kind.model_validate(item, from_attributes=True).model_dump_json(exclude={"id"}) + "\n")
    return "".join(lines)


def _parse_lines(body: bytes) -> Iterator[Correction | NumberCorrection]:
    """The corrections of an import, one after another. Raises HTTPException at the first invalid line."""
    for number, line in enumerate(BytesIO(body), 1):
        try:
            if len(line) > MAX_LINE_BYTES:
                raise ValueError(f"expected at most {MAX_LINE_BYTES >> 10} KB.")
            if b'"strip"' in line:
                yield NumberCorrection(**vars(ExportedNumber.model_validate_json(line)))
            else:
                yield Correction(**vars(ExportedCorrection.model_validate_json(line)))
        except ValueError as error:
            reason = sentence_of(error.errors()[0]) if isinstance(error, ValidationError) else str(error)
            raise HTTPException(400, f"line {number}: {reason[:MAX_REASON_CHARACTERS]} Nothing was imported.") from None
