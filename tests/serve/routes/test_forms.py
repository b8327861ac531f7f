"""POST /v1/forms: the fields of filled forms."""

import json

import numpy as np
import pytest

from drawing import FORM_FIELDS, FORM_SIZE, file_of, filled_form, photo_of

pytestmark = pytest.mark.xdist_group("server")

VALUES = {"student": "40275", "points": "17", "mark": "2"}
FIELDS = {name: [*box] for name, box in FORM_FIELDS.items()}


@pytest.fixture(scope="module")
def blank():
    return file_of(filled_form({}))


@pytest.fixture(scope="module")
def filled():
    return file_of(photo_of(filled_form(VALUES)))


def ask(client, picture, fields, *images, query="", **others):
    files = [("picture", ("exam.png", picture)), *(("image", ("a.png", image)) for image in images)]
    fields = fields if isinstance(fields, str) else json.dumps(fields)
    return client.post(f"/v1/forms{query}", data={"fields": fields, **others}, files=files)


def test_fields_of_several_pictures_of_which_two_show_no_form(client, blank, filled):
    other = file_of(np.full((300, 300), 240, np.uint8))
    answer = ask(client, blank, FIELDS, filled, other, b"text", query="?crops=true")
    assert answer.status_code == 200
    first, second, third = answer.json()["pages"]
    assert {name: cell["value"] for name, cell in first["fields"].items()} == VALUES
    cell = first["fields"]["points"]
    assert (cell["accepted"], cell["reason"], cell["number"]) == (True, None, "17")
    assert cell["confidence"] > 0.9
    assert cell["box"][0] < first["numbers"][cell["index"]]["box"][0]
    assert first["numbers"][cell["index"]]["strip"]
    assert second["error"].startswith("the picture does not look like this form")
    assert third["error"].startswith("expected a whole PNG")


def test_a_form_is_aligned_by_its_corners(client, filled):
    """Of the empty form there is blank paper only, and the corners are those of the whole photo."""
    paper, scan = file_of(np.full((FORM_SIZE[1], FORM_SIZE[0]), 240, np.uint8)), file_of(filled_form(VALUES))
    whole = json.dumps([[0, 0], [1, 0], [1, 1], [0, 1]])
    assert "look like this form" in ask(client, paper, FIELDS, scan).json()["pages"][0]["error"]
    page = ask(client, paper, FIELDS, scan, corners=whole).json()["pages"][0]
    assert {name: cell["value"] for name, cell in page["fields"].items()} == VALUES
    answer = ask(client, paper, FIELDS, scan, corners=json.dumps([[0, 0], [1, 0], [1, 0], [0, 1]]))
    assert (answer.status_code, "four corners" in answer.json()["error"]) == (422, True)
    assert ask(client, paper, FIELDS, scan, corners="[[0, 0], [1, 0]]").status_code == 422


def test_fields_are_read_as_expected(client, blank, filled):
    expect = "student: 40275|40312, points: 0..9"
    fields = ask(client, blank, FIELDS, filled, expect=expect).json()["pages"][0]["fields"]
    assert [fields[name]["accepted"] for name in ("student", "points")] == [True, False]
    assert fields["points"]["reason"].startswith("expected 0..9")
    answer = ask(client, blank, FIELDS, filled, expect="point: 0..9")
    assert answer.status_code == 400
    assert 'the form has no field "point", expected one of its fields: student, points, mark' in answer.json()["error"]


def test_an_answer_key_marks_the_fields(client, blank, filled):
    key = "field,answer,points\npoints,15..17,2\nmark,1|3,1\n"
    marks = ask(client, blank, FIELDS, filled, key=key).json()["pages"][0]["marks"]
    assert marks == {"right": {"points": True, "mark": False}, "points": "2", "max_points": "3"}
    again = client.post("/v1/forms/marks", json={"fields": VALUES | {"mark": "3"}, "key": key}).json()
    assert (again["points"], again["right"]["mark"]) == ("3", True)
    assert ask(client, blank, FIELDS, filled).json()["pages"][0]["marks"] is None
    for answer in (
        ask(client, blank, FIELDS, filled, key="field,answer\nroom,1\n"),
        client.post("/v1/forms/marks", json={"fields": VALUES, "key": "points,1\n"}),
    ):
        assert (answer.status_code, answer.json()["error"][:4]) == (400, "the " if "room" in answer.text else "expe")


@pytest.mark.parametrize(
    ("fields", "others", "sentence"),
    [
        ({"a": [0, 0, 901, 9]}, {}, "expected left, top, right and bottom within 900x1200 pixels, at least 4 apart"),
        ({"a": [0, 0, 9]}, {}, "fields.a must have at least 4 items, received [0, 0, 9]."),
        ("{", {}, "fields must be JSON: EOF while parsing an object"),
        (FIELDS, {"turned": "45"}, "turned must be a multiple of 90"),
    ],
)
def test_an_invalid_form_is_refused_with_one_line(client, blank, filled, fields, others, sentence):
    answer = ask(client, blank, fields, filled, **others)
    assert answer.status_code == 422
    assert answer.json()["error"].startswith(sentence)


def test_a_form_without_its_picture(client, filled):
    answer = ask(client, b"text", FIELDS, filled)
    assert answer.status_code == 415
    assert answer.json()["error"].startswith("the form's own picture: expected a whole PNG")
