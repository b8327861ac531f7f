import csv
import json
import re
from functools import partial

import cv2
import numpy as np
import openpyxl
import pyarrow.parquet as pq
import pytest
from PIL import Image

from drawing import FORM_FIELDS, LOCKED_PDF, filled_form, printed_table
from tendigits.numbers.crops import Budget


@pytest.fixture
def seven(tmp_path, digits):
    path = tmp_path / "seven.png"
    Image.fromarray(digits.x_test[np.flatnonzero(digits.y_test == 7)[1]]).save(path)
    return path


@pytest.fixture
def scans(seven, tmp_path):
    """A 7, a damaged file, and one of a format that can't be read."""
    folder = tmp_path / "scans"
    folder.mkdir()
    (folder / "7.png").write_bytes(seven.read_bytes())
    (folder / "bad.png").write_bytes(b"\x89PNG")
    (folder / "photo.jxl").write_bytes(b"")
    return folder


def test_one_digit_and_a_page_as_text_json_and_csv(run, seven, tmp_path):
    code, out, err = run(seven, "--one")
    assert (code, out[:3], out.count("%"), err) == (0, "7  ", 3, "")
    assert run(seven)[1].startswith("7")
    Image.new("L", (90, 90), 255).save(tmp_path / "blank.png")
    assert run(tmp_path / "blank.png")[:2] == (0, "no numbers\n")
    (line,) = json.loads(run(seven, "--json")[1])["numbers"]
    assert line["value"] == "7"
    assert run(seven, "--csv", tmp_path / "out.csv")[:2] == (0, "")
    text = (tmp_path / "out.csv").read_text()
    (row,) = csv.DictReader(text.splitlines())
    assert (row["path"], row["order"], row["value"], row["accepted"]) == (str(seven), "1", "7", "yes")
    assert run(seven, "--csv", "-")[:2] == (0, text)
    (row,) = csv.DictReader(run(seven, "--csv", "-", "--threshold", 1)[1].splitlines())
    assert (row["value"], row["accepted"]) == ("7", "no")
    assert row["reason"]


def test_pictures_that_could_not_be_read_are_listed_at_the_end(run, scans, tmp_path):
    (scans / "notes.txt").write_text("7")
    code, out, err = run(scans)
    assert code == 1
    assert out == f"{scans}/7.png: 7\n"
    other, damaged, skipped, summary = err.splitlines()
    assert other == f"tendigits: skipped 1 file that is not a picture: {scans}/notes.txt"
    assert "bad.png" in damaged
    assert skipped == f"tendigits: skipped {scans}/photo.jxl: cannot read JXL; save it as PNG or JPEG"
    assert summary == "tendigits: read 1 of 3 pictures; 2 could not be read"
    code, out, err = run(tmp_path / "none.png")
    assert (code, out) == (2, ""), "nothing was read"
    assert "none.png" in err


@pytest.fixture
def marks(tmp_path):
    """A PDF of two pages with a printed table each; the last column has the sums of the others."""
    pages = [
        printed_table([(n, 10 * row + 4, n + 10 * row + 4) for row, n in enumerate(range(first, first + 5))])
        for first in (3, 5)
    ]
    pages[0].save(tmp_path / "marks.pdf", save_all=True, append_images=pages[1:], resolution=150)
    return tmp_path / "marks.pdf"


def test_tables_into_a_spreadsheet_with_a_sheet_for_each_page(run, marks, tmp_path):
    code, out, err = run(marks, "--table", tmp_path / "out.xlsx")
    assert (code, err) == (0, "")
    first, second = out.splitlines()
    end = "5 rows x 3 columns   15 accepted, 0 to check   totals agree in 5 of 5 rows (C = sum A-B)"
    assert first == f"{marks}#page=1   {end}"
    assert second == f"{marks}#page=2   {end}"
    book = openpyxl.load_workbook(tmp_path / "out.xlsx")
    assert book.sheetnames == ["marks.pdf 1", "marks.pdf 2"]
    assert [cell.value for cell in book["marks.pdf 2"][3]] == [7, 24, 31]


def test_a_table_as_text_and_csv_and_what_its_columns_hold(run, marks, tmp_path):
    page = f"{marks}#page=1"
    assert [line.split() for line in run(page)[1].splitlines()] == [
        ["A", "B", "C"], ["3", "4", "7"], ["4", "14", "18"], ["5", "24", "29"], ["6", "34", "40"], ["7", "44", "51"],
    ]  # fmt: skip
    assert run(page, "--table", tmp_path / "out.csv", "--sum", "none", "--expect", "B: 0..40")[0] == 0
    assert (tmp_path / "out.csv").read_text().splitlines()[3:] == ["6,34,40", "7,44?,51"]
    values, rows = ["6", "34", "40"], run(page, "--csv", "-", "--expect", "B: 0..40")[1].splitlines()
    assert [row.split(",")[5:9:3] for row in rows[10:]] == [[v, "yes"] for v in values] + [
        ["7", "yes"], ["44", "no"], ["51", "yes"]
    ]  # fmt: skip
    (read,) = map(json.loads, run(page, "--json", "--expect", "0..40, F: date")[1].splitlines())
    assert [each["value"] for each in read["numbers"] if not each["accepted"]] == ["44", "51"]
    assert read["notice"] == "There is nothing in column F, of which something is expected."
    assert run(page, "--csv", "-")[1].splitlines()[1].split(",")[1:6] == ["1", "1", "1", "A", "3"]


def test_a_page_that_was_read_in_part_is_named_and_ends_with_1(run, tmp_path, monkeypatch):
    printed_table([[27] * 8] * 10).save(tmp_path / "big.png")
    monkeypatch.setattr("tendigits.read.reader.Budget", partial(Budget, 20_000))
    code, out, err = run(tmp_path / "big.png", "--timeout", 0)
    assert (code, "27" in out) == (1, True)
    notice, summary = err.splitlines()
    assert re.fullmatch(r".*big.png: Rows? .* not read: there is too much on this page. .* in two parts.", notice)
    assert summary == "tendigits: read only in part: 1 of 1 pictures"


@pytest.mark.parametrize(
    ("expect", "rows", "wrong"),
    [
        ("C = A * B", [[3, 5, 15], [4, 6, 25], [7, 8, 56], [9, 3, 27]], "row 2 C = A . B gives 24, not 25"),
        ("A: rising", [[101, 5], [104, 6], [103, 8], [109, 3]], "A3 does not follow 104"),
        ("C = C above + A - B", [[30, 12, 18], [40, 10, 48], [50, 20, 79]], "row 3 .* gives 78, not 79"),
    ],
)
def test_what_is_known_of_a_table_is_checked(run, tmp_path, expect, rows, wrong):
    printed_table(rows).save(tmp_path / "known.png")
    code, out, err = run(tmp_path / "known.png", "--expect", expect, "--table", tmp_path / "known.xlsx")
    assert (code, err) == (0, "")
    assert re.search(wrong, out), out
    assert "to check" in openpyxl.load_workbook(tmp_path / "known.xlsx").sheetnames


def test_tables_of_several_pictures_are_not_lost_in_a_csv(run, marks, tmp_path):
    code, _, err = run(marks, "--table", tmp_path / "out.csv")
    message, kept = err.removesuffix("\n").split("; they are in ")
    assert (code, message) == (
        1, f"tendigits: expected a name ending in .xlsx for 2 tables, received {tmp_path / 'out.csv'}"
    )  # fmt: skip
    assert len(openpyxl.load_workbook(kept).sheetnames) == 2
    assert not (tmp_path / "out.csv").exists()


def test_without_a_table_no_file_is_written(run, seven, tmp_path):
    photo, out, locked = tmp_path / "photo.png", tmp_path / "out.csv", tmp_path / "locked.pdf"
    Image.new("L", (300, 200), 250).save(photo)
    locked.write_bytes(LOCKED_PDF)
    missing = f"found no table; {out} was not written"
    assert run(photo, "--table", out) == (1, f"{photo}   no table\n", f"tendigits: {missing}\n")
    code, _, err = run(locked, "--table", out)
    assert (code, err.splitlines()) == (2, [
        f"tendigits: expected a whole PDF at {locked}, received one with a password; save a copy without it",
        f"tendigits: read 0 of 1 pictures; 1 could not be read; {missing}",
    ])  # fmt: skip
    assert not out.exists()
    code, printed, err = run(seven, "--table", out)
    end = "1 row x 1 column   1 accepted, 0 to check\n"
    assert (code, printed, err) == (0, f"{seven}   {end}", ""), "a number is a cell"
    assert out.exists()


def test_a_picture_over_the_time_limit_counts_as_unreadable(run, scans, seven):
    code, out, err = run(scans, "--timeout", 0.0001)
    assert (code, out) == (2, "")
    assert f"expected a picture at {scans}/7.png, it took longer than 0.0001 seconds" in err
    assert run(seven, "--timeout", 0)[:2] == run(seven)[:2]


@pytest.mark.parametrize("options", [[], ["--one"], ["--parquet", "out"]])
def test_a_document_over_its_time_limit_is_named_and_the_next_pictures_are_read(run, marks, seven, tmp_path, options):
    options = [tmp_path / option if option == "out" else option for option in options]
    code, out, err = run(marks, seven, "--document-timeout", 0.0001, *options)
    assert code == 1
    assert "in 1 pictures" in out if "--parquet" in options else out.startswith(f"{seven}: 7")
    assert err.splitlines() == [
        f"tendigits: expected to read {marks} within 0.0001 seconds, did not read pages 1 to 2; give it more with "
        "--document-timeout",
        "tendigits: read 1 of 3 pictures; 2 could not be read",
    ]


def test_pictures_are_opened_in_worker_processes_also_to_draw_into_them(run, scans, tmp_path, monkeypatch):
    monkeypatch.setattr("PIL.Image.open", pytest.fail)
    assert run(scans, "--show", tmp_path / "shown")[1] == f"{scans}/7.png: 7\n"
    assert run(scans, "--one", "--show", tmp_path / "shown", "--overwrite")[1].startswith(f"{scans}/7.png: 7")
    assert (tmp_path / "shown" / "7.png").exists()


def test_show_draws_one_picture_into_a_file_and_several_into_a_folder(run, seven, scans, tmp_path):
    assert run(seven, "--show", tmp_path / "shown.jpg")[0] == 0
    with Image.open(tmp_path / "shown.jpg") as shown:
        assert (shown.format, shown.width >= 400) == ("JPEG", True)
    other = tmp_path / "other" / "7.jpg"
    other.parent.mkdir()
    Image.open(seven).save(other)
    shown = tmp_path / "new" / "shown"
    assert run(scans / "7.png", other, "--show", shown)[0] == 0
    assert sorted(path.name for path in shown.iterdir()) == ["7-2.png", "7.png"]
    assert run(seven, "--show", shown)[0] == 0
    assert (shown / "seven.png").exists()


def test_a_table_that_is_resumed(run, seven, scans, tmp_path):
    out = tmp_path / "out"
    assert run(seven, "--one", "--parquet", out) == (0, f"{out}: 1 numbers in 1 pictures\n", "")
    (row,) = pq.read_table(out).to_pylist()
    assert (row["path"], row["value"]) == (str(seven), "7")
    code, printed, errors = run(seven, scans / "bad.png", "--one", "--parquet", out)
    assert (code, printed) == (2, f"{out}: 0 numbers in 0 pictures; 1 pictures had been read before\n")
    first, last = errors.splitlines()
    assert first.startswith("tendigits: expected a whole PNG, JPEG")
    assert last == "tendigits: read 0 of 1 pictures; 1 could not be read"


def test_a_row_for_each_picture_of_a_form(run, tmp_path):
    (folder := tmp_path / "forms").mkdir()
    cv2.imwrite(str(tmp_path / "blank.png"), filled_form({}))
    fields = f'picture = "blank.png"\n[fields]\npoints = {[*FORM_FIELDS["points"]]}\n'
    (tmp_path / "exam.toml").write_text(fields)
    for number in ("17", "42"):
        cv2.imwrite(str(folder / f"{number}.png"), filled_form({"points": number}))
    assert run(folder, "--form", tmp_path / "exam.toml", "--table", tmp_path / "out.xlsx")[0] == 0
    sheet = openpyxl.load_workbook(tmp_path / "out.xlsx")["forms"]
    assert [[cell.value for cell in row] for row in sheet.iter_rows()] == [
        ["picture", "points"],
        ["17.png", 17],
        ["42.png", 42],
    ]
    cv2.imwrite(str(folder / "other.png"), np.full((300, 400), 240, np.uint8))
    outputs = "--csv", tmp_path / "out.csv", "--table", tmp_path / "all.xlsx"
    code, _, errors = run(folder, "--form", tmp_path / "exam.toml", *outputs)
    assert (code, f"{folder}/other.png: the picture does not look like this form; " in errors) == (1, True)
    *_, row = csv.reader((tmp_path / "out.csv").read_text().splitlines())
    assert (row[:2], "does not look like this form" in row[-1]) == ([f"{folder}/other.png", ""], True)
    (name, unread, *_) = [*openpyxl.load_workbook(tmp_path / "all.xlsx")["forms"].rows][-1]
    assert (name.value, "does not look like this form" in unread.comment.text) == ("other.png", True)
    assert run(folder, "--form", tmp_path / "exam.toml", "--one")[0] == 2


@pytest.fixture
def exam(tmp_path):
    """A form with the fields of FORM_FIELDS, and a filled one."""
    cv2.imwrite(str(tmp_path / "blank.png"), filled_form({}))
    fields = "".join(f"{name} = {[*box]}\n" for name, box in FORM_FIELDS.items())
    (tmp_path / "exam.toml").write_text(f'picture = "blank.png"\n[fields]\n{fields}')
    cv2.imwrite(str(tmp_path / "anna.png"), filled_form({"student": "40275", "points": "17", "mark": "2"}))
    return tmp_path / "anna.png", "--form", tmp_path / "exam.toml"


def test_the_fields_of_a_form_are_read_as_expected_and_marked_by_a_key(run, exam, tmp_path):
    (tmp_path / "roster.csv").write_text("name;student\nAnna;40275\nBo;40312\n")
    (tmp_path / "key.csv").write_text("field,answer,points\npoints,16..18,2.5\nmark,1|3,1\n")
    options = (*exam, "--expect", f"student: {tmp_path}/roster.csv, points: 200..300", "--key", tmp_path / "key.csv")
    assert run(*options, "--csv", "-")[1].splitlines() == [
        "path,student,points,mark,total,wrong,to check",
        f"{tmp_path}/anna.png,40275,17,2,2.5,mark,points",
    ]
    assert run(*options)[1].splitlines() == [
        "student: 40275", "points: 17?   right   expected 200..300", "mark: 2   wrong", "2.5 of 3.5 points"
    ]  # fmt: skip
    marks = json.loads(run(*options, "--json")[1])["marks"]
    assert marks == {"right": {"points": True, "mark": False}, "points": "2.5", "max_points": "3.5"}
    assert "2.5 of 3.5 points" in run(*options, "--table", tmp_path / "out.xlsx")[1]
    sheet = openpyxl.load_workbook(tmp_path / "out.xlsx")["forms"]
    assert [cell.value for cell in sheet[2]] == ["anna.png", 40275, 17, 2, 2.5, "mark"]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("field,answer\npoint,17", 'the form has no field "point", expected one of its fields: student, points, mark'),
        ("points,17,2", "expected the columns field,answer,points and a row for each answer in"),
        ("field,answer\npoints,17\npoints,18", "expected 2 values and another field in row 3 of"),
        ("field,answer,points\npoints,17,many", "expected points such as 2 or 0.5 in row 2 of"),
        ("field,answer\npoints,seven", "expected an answer such as 42, 9.8..10 or 1/2|0.5 in row 2 of"),
        (None, "expected a CSV file at"),
    ],
)
def test_a_wrong_key_is_described_before_anything_is_read(run, exam, tmp_path, monkeypatch, key, message):
    monkeypatch.setattr("tendigits.batch.worker.read_job", pytest.fail)
    if key is not None:
        (tmp_path / "key.csv").write_text(key)
    code, out, err = run(*exam, "--key", tmp_path / "key.csv")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err
    assert "seven" not in err
    code, _, err = run(*exam, "--expect", "point: 0..9")
    assert code == 2
    assert 'the form has no field "point", expected one of its fields: student, points, mark' in err
