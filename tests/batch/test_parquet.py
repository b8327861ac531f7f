import json

import numpy as np
import pandas as pd
import pytest

from tendigits.batch.batch import Result
from tendigits.batch.parquet import NUMBERS, PICTURES, open_table, outcome
from tendigits.errors import DataError, RunError
from tendigits.files import held
from tendigits.read.results import Digit, Line, Page
from tendigits.read.segment import Box

SETTINGS = {"network": "0" * 64, "threshold": 0.9, "one": False}


def page(*values):
    box = Box(1, 2, 3, 4)
    digit = Digit(7, np.full(10, 0.1, np.float32), 1.0, box, np.zeros((28, 28), np.uint8), False, "it may be 1")
    return Page([Line(value, 0.5, False, box, [digit]) for value in values], (30, 40))


def read(path, *values):
    return outcome(Result(path, page(*values), None))


def failed(path):
    return outcome(Result(path, None, DataError(f"expected a picture at {path}")))


def test_a_row_for_each_number_and_one_for_each_picture(tmp_path):
    out = tmp_path / "out"
    with open_table(out, SETTINGS) as table:
        assert table.done == frozenset()
        table.add([read("a.png", "0427", "13"), read("b.png"), failed("c.png")])
        table.add([])
        table.add([read("d.png", "5")])
    numbers = pd.read_parquet(out)
    assert list(numbers.columns) == NUMBERS.names
    assert numbers[["path", "line", "value"]].values.tolist() == [
        ["a.png", 1, "0427"],
        ["a.png", 2, "13"],
        ["d.png", 1, "5"],
    ]
    first = numbers.iloc[0]
    assert (first["confidence"], first["accepted"], first["reason"]) == (0.5, False, "digit 1: it may be 1")
    assert first[["left", "top", "right", "bottom"]].tolist() == [1, 2, 3, 4]
    pictures = pd.read_parquet(out / "_pictures").astype(object)
    assert list(pictures.columns) == PICTURES.names
    assert pictures["numbers"].tolist() == [2, 0, 0, 1]
    assert pictures["error"].dropna().tolist() == ["expected a picture at c.png"]
    assert pictures[["width", "height"]].values.tolist()[0] == [30, 40]
    assert sorted(path.name for path in out.glob("*.parquet")) == ["part-00000.parquet", "part-00001.parquet"]


def test_what_was_read_is_known_and_what_failed_is_tried_again(tmp_path):
    with open_table(tmp_path, SETTINGS) as table:
        table.add([read("a.png", "1"), failed("b.png")])
    with open_table(tmp_path, SETTINGS) as table:
        assert table.done == {"a.png"}
        table.add([read("b.png", "2")])
    with open_table(tmp_path, SETTINGS) as table:
        assert table.done == {"a.png", "b.png"}
    assert pd.read_parquet(tmp_path)["value"].tolist() == ["1", "2"]


def test_numbers_without_the_rows_of_their_pictures_do_not_count(tmp_path):
    """As where a process ends between the two files of a part."""
    with open_table(tmp_path, SETTINGS) as table:
        table.add([read("a.png", "1")])
        table.add([read("b.png", "2")])
    (tmp_path / "_pictures" / "part-00001.parquet").unlink()
    with open_table(tmp_path, SETTINGS) as table:
        assert table.done == {"a.png"}
        table.add([read("b.png", "2")])
    assert pd.read_parquet(tmp_path)["path"].tolist() == ["a.png", "b.png"]


def test_a_part_that_somebody_took_away_is_no_number_for_another(tmp_path):
    with open_table(tmp_path, SETTINGS) as table:
        for name in "abc":
            table.add([read(name, "1")])
    for folder in (tmp_path, tmp_path / "_pictures"):
        (folder / "part-00001.parquet").unlink()
    with open_table(tmp_path, SETTINGS) as table:
        assert table.done == {"a", "c"}
        table.add([read("b", "1")])
    assert sorted(pd.read_parquet(tmp_path)["path"]) == ["a", "b", "c"]
    assert (tmp_path / "part-00003.parquet").exists()


def refused(folder, said, settings=SETTINGS):
    with pytest.raises(RunError, match=said), open_table(folder, settings):
        pass


def test_readings_of_two_networks_are_not_mixed(tmp_path):
    with open_table(tmp_path, SETTINGS):
        pass
    refused(tmp_path, "was read with another network; write to another folder", SETTINGS | {"network": "1" * 64})
    refused(tmp_path, "was read with another threshold and another one;", SETTINGS | {"threshold": 0.5, "one": True})


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    pd.DataFrame({"x": [1]}).to_parquet(tmp_path / "part-00000.parquet")
    refused(tmp_path, "holds Parquet files of something else; write to another folder")
    assert (tmp_path / "part-00000.parquet").exists()


@pytest.mark.parametrize("content", ["{", "[]", "null"])
def test_damaged_settings(tmp_path, content):
    (tmp_path / "_settings.json").write_text(content)
    refused(tmp_path, "_settings.json is damaged")


def test_a_damaged_part(tmp_path):
    with open_table(tmp_path, SETTINGS) as table:
        table.add([read("a.png", "1")])
    part = tmp_path / "_pictures" / "part-00000.parquet"
    part.write_bytes(part.read_bytes()[:-20])
    refused(tmp_path, r"_pictures/part-00000.parquet is damaged: .*; delete it and that of the same name above it")


def test_one_process_at_a_time(tmp_path):
    with open_table(tmp_path / "out", SETTINGS):
        pass
    with held(tmp_path / "out", "wait"):
        refused(tmp_path / "out", r"is in use by process \d+; wait for it, or write to another folder")


def test_what_a_killed_process_left_half_written_goes(tmp_path):
    with open_table(tmp_path, SETTINGS):
        pass
    (tmp_path / ".writing-7-part-00000.parquet").write_bytes(b"half")
    with open_table(tmp_path, SETTINGS):
        assert not list(tmp_path.glob(".writing*"))
    assert json.loads((tmp_path / "_settings.json").read_text())["format"] == 1
