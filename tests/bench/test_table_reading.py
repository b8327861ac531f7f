"""Other readers of tables: what they find becomes a table, which is scored."""

from read_common import Found, table_of

from table_peers import Tables, scored
from table_reading import score

FOUND = [
    Found(4, 10, 30, 30, "12"),
    Found(60, 9, 118, 31, "3,5 7"),
    Found(2, 45, 28, 66, "Anna"),
    Found(62, 44, 88, 64, "4"),
    Found(14, 82, 29, 100, "8"),
    Found(60, 80, 90, 102, "6.1"),
    Found(105, 80, 117, 99, "9", 0.3, accepted=False),
]
"""Three rows: two cells in one piece, a word, and a cell that its reader would not show."""


def test_pieces_of_text_become_rows_and_columns():
    assert table_of(FOUND, "0123456789.,") == [["12", "3,5", "7"], ["", "4", ""], ["8", "6.1", ""]]


def test_a_comma_is_as_good_as_a_point_and_a_missing_cell_is_wrong():
    own = Tables("some", [], [], [], score)
    wanted = [["12", "3.5", "7"], ["", "4", ""], ["8", "6.1", "9"]]
    counts = scored(own, table_of(FOUND, "0123456789.,"), wanted)
    assert (counts["shape"], counts["cells"], counts["cells_right"]) == (1, 7, 6)
    assert (counts["rows"], counts["rows_right"]) == (3, 2)
