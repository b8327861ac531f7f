"""What run.json holds: a schema, for somebody else may have written it.

check_record(content)       # a dict as `json.loads` gives it; raises ValueError with one line
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Text = Annotated[str, Field(max_length=4096)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
ModelName = Literal["model.keras", "model.h5"]


class _Schema(BaseModel):
    """Exactly the declared types, no NaN; further fields are kept."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False, extra="allow")


class _Data(_Schema):
    name: Text
    source: Text
    path: Text | None
    sha256: dict[str, Sha256]


class _Machine(_Schema):
    versions: dict[str, Text]


class _Commit(_Schema):
    commit: Text
    changed: bool


class _Result(_Schema):
    epochs: Count
    best_epoch: Count
    val_loss: float
    val_accuracy: Share
    test_accuracy: Share = 0
    corrected_accuracy: Share = 0
    test_interval: Annotated[list[Share], Field(min_length=2, max_length=2)] = Field(default=[0, 1])


class _Record(_Schema):
    status: Literal["running", "finished", "failed", "interrupted"]
    created: Text
    """ISO 8601, with its time zone."""
    resumed: list[Text]
    seed: Count
    data: _Data
    machine: _Machine
    git: _Commit | None
    durations: dict[str, Annotated[float, Field(ge=0)]]
    parameters: Count
    evaluated: bool = True
    # Of what is not written at once, the default is never used, and null is refused.
    models: dict[ModelName, Sha256] = Field(default={})
    best_epoch: Count = 0
    result: _Result = Field(default_factory=_Result.model_construct)

    @field_validator("created")
    @classmethod
    def _is_time(cls, value: str) -> str:
        if datetime.fromisoformat(value).tzinfo is None:
            raise ValueError("expected a time zone")
        return value


def check_record(content: dict[str, Any]) -> None:
    """Raise ValueError, with the first field that is wrong, unless `content` is the record of a run."""
    try:
        _Record.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part)[:40] for part in first["loc"])
        raise ValueError(f"its field {place}: {first['msg']}") from None
