"""What requests may hold: strict numbers, whole crops, no unknown fields; and the sentences for what they may not."""

import base64
import json
from datetime import UTC, datetime
from typing import Annotated

import numpy as np
import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from helpers import correction
from tendigits.serve.errors import sentence_of
from tendigits.serve.schemas import (
    CROP,
    CorrectionResponse,
    CorrectionsRequest,
    DigitsRequest,
    ExportedCorrection,
)

ROWS = np.arange(784).reshape(28, 28) % 256


def test_pixels_are_whole_numbers_from_0_to_255():
    request = DigitsRequest.model_validate_json(json.dumps({"digits": [ROWS.tolist(), [[0] * 28] * 28]}))
    assert request.crops().dtype == np.uint8
    np.testing.assert_array_equal(request.crops()[0], ROWS)
    for value in ("256", "-1", "1.5", "true", '"1"', "null", "NaN", "1e400", "[1]"):
        text = json.dumps({"digits": [ROWS.tolist()]}).replace("[[[0,", f"[[[{value},", 1)
        with pytest.raises(ValidationError):
            DigitsRequest.model_validate_json(text)


@pytest.mark.parametrize("shape", [(0, 28, 28), (1, 27, 28), (1, 28, 29), (1001, 28, 28)])
def test_digits_of_another_shape(shape):
    with pytest.raises(ValidationError):
        DigitsRequest.model_validate_json(json.dumps({"digits": np.zeros(shape, int).tolist()}))


def test_a_label_is_a_whole_number_from_0_to_9_or_null():
    for label in ("0", "9", "null"):
        text = f'{{"corrections": [{{"crop": "{CROP}", "label": {label}}}]}}'
        assert CorrectionsRequest.model_validate_json(text).corrections[0].label == json.loads(label)
    for label in ("99", "-1", "true", '"3"', "3.0", "3.5", "NaN", "[3]"):
        with pytest.raises(ValidationError):
            CorrectionsRequest.model_validate_json(f'{{"corrections": [{{"crop": "{CROP}", "label": {label}}}]}}')


@pytest.mark.parametrize(
    "crop", ["", "A" * 1047, base64.b64encode(bytes(783)).decode() + "AAAA", "*" * 1048, CROP[:-2] + "\n="]
)
def test_a_crop_is_784_bytes(crop):
    with pytest.raises(ValidationError):
        CorrectionsRequest.model_validate({"corrections": [{"crop": crop, "label": 1}]})


def test_unknown_fields_are_refused():
    with pytest.raises(ValidationError, match="extra"):
        CorrectionsRequest.model_validate({"corrections": [{"crop": CROP, "label": 1, "id": 5}]})


def test_a_correction_goes_out_and_comes_in_again():
    item = correction(ROWS, None, id=1)
    fields = CorrectionResponse.model_validate(item).model_dump(mode="json", exclude={"id"})
    back = ExportedCorrection.model_validate_json(json.dumps(fields)).correction()
    np.testing.assert_array_equal(back.crop, ROWS)
    assert (back.label, back.predicted, back.created) == (None, 5, item.created)


def test_an_exported_time_without_a_zone_is_local_time():
    fields = {"crop": CROP, "label": 1, "network": "0" * 64, "created": "2026-01-01T00:00:00"}
    assert ExportedCorrection.model_validate_json(json.dumps(fields)).correction().created.tzinfo is not None
    fields["created"] = "2026-01-01T00:00:00Z"
    assert ExportedCorrection.model_validate_json(json.dumps(fields)).correction().created == datetime(
        2026, 1, 1, tzinfo=UTC
    )


class Example(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    label: Annotated[int, Field(ge=0, le=9)] | None = None
    n: Annotated[int, Field(ge=1)] = 1
    items: Annotated[list[int], Field(min_length=1)] = [1]
    must: str


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"must": "a", "label": 12}', "label must be 0 to 9 or null, received 12."),
        ('{"must": "a", "label": "3"}', 'label must be 0 to 9 or null, received "3".'),
        ('{"must": "a", "n": 0}', "n must be greater than or equal to 1, received 0."),
        ('{"must": "a", "items": []}', "items must have at least 1 item, received []."),
        ('{"must": "a", "items": [1, "x"]}', 'items.1 must be a valid integer, received "x".'),
        ('{"must": "a", "other": 1}', "other is not a known field."),
        ("{}", "must is required."),
        ("{", "the body must be JSON: EOF while parsing an object at line 1 column 1."),
        ("3", "the body must be an object, received 3."),
    ],
)
def test_a_sentence_names_the_field_the_demand_and_the_value(text, sentence):
    with pytest.raises(ValidationError) as caught:
        Example.model_validate_json(text)
    assert sentence_of(caught.value.errors()[0]) == sentence
