"""The schema of run.json.

check_record(content)       # parsed JSON; raises ValueError with one line
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

Fraction = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Text = Annotated[str, Field(max_length=4096)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def _with_zone(time: str) -> str:
    if datetime.fromisoformat(time).tzinfo is None:
        raise ValueError("expected a time zone")
    return time


class _Schema(BaseModel):
    """Exactly the declared types, no NaN; other fields are allowed."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False, extra="allow")


class _Data(_Schema):
    name: Text
    source: Text
    path: Text | None
    sha256: dict[str, Sha256]


class _Result(_Schema):
    val_accuracy: Fraction
    test_accuracy: Fraction = 0
    test_interval: Annotated[list[Fraction], Field(min_length=2, max_length=2)] = Field(default=[0, 1])


class _Record(_Schema):
    status: Literal["running", "finished", "failed", "interrupted"]
    created: Annotated[Text, AfterValidator(_with_zone)]  # ISO 8601
    resumed: list[Text]
    data: _Data
    machine: dict[str, Any]
    git: dict[str, Any] | None
    durations: dict[str, Annotated[float, Field(ge=0)]]
    parameters: Count
    evaluated: bool = True
    # Written later in the run. The fields may be missing, but not null.
    models: dict[Literal["model.keras", "model.h5"], Sha256] = Field(default={})
    best_epoch: Count = 0
    result: _Result = Field(default_factory=_Result.model_construct)


def check_record(content: dict[str, Any]) -> None:
    """Raise ValueError with the first invalid field, unless `content` is a valid run.json."""
    try:
        _Record.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part)[:40] for part in first["loc"])
        raise ValueError(f"its field {field}: {first['msg']}") from None
