"""`tendigits read --labels`: what is right, what is accepted, and what threshold to take."""

from decimal import Decimal

import cv2
import numpy as np
import pytest

from drawing import page_of_numbers
from tendigits.batch.labels import Answer, compare, load_labels, report, summary
from tendigits.errors import DataError, UserError
from tendigits.geometry import Box
from tendigits.read.page import Page
from tendigits.read.reader import Reader
from tendigits.tables.cell import Cell
from tendigits.tables.table import Table


def test_the_summary_counts_and_gives_thresholds():
    # 100 answers whose confidence falls; the 90th and the last five are wrong.
    answers = [Answer(f"{n}", "1", "7" if n == 89 or n >= 95 else "1", 1 - n / 200, n < 60) for n in range(100)]
    assert summary(answers).splitlines() == [
        "read right     94 of 100, 94.0% (95% interval 87.5% to 97.2%)",
        "accepted       60.0%, of these 0 wrong",
        "at 1% wrong    89.0% accepted with --threshold 0.56",
        "at 2% wrong    95.0% accepted with --threshold 0.53",
    ]
    assert "none can be accepted" in summary([Answer("a", "1", "7", 0.9, True)])
    page = report([*answers, Answer("<b>.png", "=1", "2", 0.99, True, np.zeros((40, 60), np.uint8))])
    assert page.index("&lt;b&gt;.png") < page.index("<td>89</td>") < page.index("<td>95</td>")
    assert page.count("<img") == 1
    assert "<b>" not in page


def test_cells_are_compared_one_by_one(tmp_path):
    (tmp_path / "a.csv").write_text("1,2\n3,\n1.50,5\n")
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe1,2")  # of no picture
    (label,) = load_labels(tmp_path, ["a.png"]).values()
    box = Box(0, 0, 9, 9)
    unread, decimal = Cell(box, "", None, 0.0, False), Cell(box, "1,50", Decimal("1.50"))
    table = Table([[Cell(box, "1"), Cell(box, "7")], [unread, Cell(box, "4")], [decimal, Cell(box)]])
    page = Page([], (9, 9), [table])
    answers = compare("a.png", page, label)
    assert {(each.place, each.read, each.label, each.is_right) for each in answers} == {
        ("a.png A1", "1", "1", True), ("a.png B1", "7", "2", False), ("a.png A2", "", "3", False),
        ("a.png B2", "4", "", False), ("a.png A3", "1.50", "1.50", True), ("a.png B3", "", "5", False),
    }  # fmt: skip
    lost = compare("a.png", DataError("damaged"), label)
    assert [(each.read, each.accepted) for each in lost] == [("", False)] * 5
    with pytest.raises(UserError, match="expected text in UTF-8"):
        load_labels(tmp_path, ["b.png"])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("path,label\n1.png,5\n1.png,6\n", "1.png has two"),
        ("file,label\n1.png,5\n", "columns path,label"),
        ("path,label\n1.png,5\n", "2.png has none"),
    ],
)
def test_wrong_labels_are_named(tmp_path, labels, message):
    (tmp_path / "labels.csv").write_text(labels)
    with pytest.raises(UserError, match=message):
        load_labels(tmp_path / "labels.csv", [str(tmp_path / name) for name in ("1.png", "2.png")])


def test_the_command_compares_pictures(tmp_path, digits, run_cli):
    (tmp_path / "page.png").write_bytes(page_of_numbers(digits))
    (tmp_path / "empty.png").write_bytes(cv2.imencode(".png", np.full((90, 90), 250, np.uint8))[1].tobytes())
    values = " ".join(number.value for number in Reader().read(tmp_path / "page.png").numbers)
    (tmp_path / "labels.csv").write_text(f"path,label\npage.png,{values}\nempty.png,12\n")
    labels = "--labels", tmp_path / "labels.csv"
    code, out, errors = run_cli("read", tmp_path, *labels, "--report", tmp_path / "report.html")
    assert (code, errors) == (0, "")
    assert out.startswith("read right     1 of 2, 50.0%")
    assert "empty.png" in (tmp_path / "report.html").read_text()
    code, out, errors = run_cli("read", tmp_path, "--csv", "-", *labels)
    assert out.startswith("path,order,")
    assert errors.startswith("read right     1 of 2, 50.0%")
    code, _, errors = run_cli("read", tmp_path, "--report", tmp_path / "report.html")
    assert (code, "give the labels with --labels" in errors) == (2, True)
