"""What is let in: strict numbers, whole crops, no other fields."""

import base64
import json
from datetime import UTC, datetime

import numpy as np
import pytest
from pydantic import ValidationError

from helpers import correction, crop64
from tendigits.serve.schemas import (
    CROP,
    CorrectionAnswer,
    DigitsQuestion,
    ExportedCorrection,
    NewCorrections,
    as_crop,
)

ROWS = np.arange(784).reshape(28, 28) % 256


def test_digits_become_crops():
    question = DigitsQuestion.model_validate_json(json.dumps({"digits": [ROWS.tolist(), [[0] * 28] * 28]}))
    crops = question.crops()
    assert crops.dtype == np.uint8
    np.testing.assert_array_equal(crops[0], ROWS)


@pytest.mark.parametrize(
    "value", ["256", "-1", "1.5", "true", '"1"', "null", "NaN", "1e400", "[1]"], ids=lambda value: value
)
def test_a_pixel_is_a_whole_number_from_0_to_255(value):
    text = json.dumps({"digits": [ROWS.tolist()]}).replace("[[[0,", f"[[[{value},", 1)
    with pytest.raises(ValidationError):
        DigitsQuestion.model_validate_json(text)


@pytest.mark.parametrize("shape", [(0, 28, 28), (1, 27, 28), (1, 28, 29), (1001, 28, 28)])
def test_digits_of_another_shape(shape):
    with pytest.raises(ValidationError):
        DigitsQuestion.model_validate_json(json.dumps({"digits": np.zeros(shape, int).tolist()}))


@pytest.mark.parametrize("label", ["99", "-1", "true", '"3"', "3.0", "3.5", "NaN", "[3]"])
def test_a_label_is_a_whole_number_from_0_to_9_or_nothing(label):
    text = json.dumps({"corrections": [{"crop": CROP, "label": 3}]}).replace('"label": 3', f'"label": {label}')
    with pytest.raises(ValidationError):
        NewCorrections.model_validate_json(text)


@pytest.mark.parametrize("label", [0, 9, None])
def test_labels_that_are_good(label):
    one = NewCorrections.model_validate_json(json.dumps({"corrections": [{"crop": CROP, "label": label}]}))
    assert one.corrections[0].label == label
    assert one.corrections[0].source == "api"


@pytest.mark.parametrize(
    "crop",
    ["", "A" * 1047, base64.b64encode(bytes(783)).decode() + "AAAA", "*" * 1048, CROP[:-2] + "\n=", "../etc/passwd"],
)
def test_a_crop_is_784_bytes(crop):
    with pytest.raises(ValidationError):
        NewCorrections.model_validate({"corrections": [{"crop": crop, "label": 1}]})


def test_fields_that_are_not_known_are_refused():
    with pytest.raises(ValidationError, match="extra"):
        NewCorrections.model_validate({"corrections": [{"crop": CROP, "label": 1, "id": 5}]})


def test_a_correction_goes_out_and_comes_in_again():
    item = correction(ROWS, None)
    answer = CorrectionAnswer.of(item)
    fields = answer.model_dump(mode="json", exclude={"id"})
    back = ExportedCorrection.model_validate_json(json.dumps(fields)).correction()
    np.testing.assert_array_equal(back.crop, ROWS)
    assert (back.label, back.said, back.created) == (None, 5, item.created)
    assert as_crop(crop64(ROWS)).tobytes() == ROWS.astype(np.uint8).tobytes()


def test_an_exported_time_without_a_zone_is_taken_as_ours():
    fields = {"crop": CROP, "label": 1, "network": "0" * 64, "created": "2026-01-01T00:00:00"}
    assert ExportedCorrection.model_validate_json(json.dumps(fields)).correction().created.tzinfo is not None
    fields["created"] = "2026-01-01T00:00:00Z"
    made = ExportedCorrection.model_validate_json(json.dumps(fields)).correction().created
    assert made == datetime(2026, 1, 1, tzinfo=UTC)
