"""Validation errors as sentences."""

from typing import Annotated

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tendigits.serve.errors import sentence_of


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
