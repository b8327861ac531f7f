"""What a picture claims is checked before it is decoded: in bytes, pixels, scans, strips and tiles."""

import io
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from hostile_files import DEAR, REFUSED, encoded, many_scans, one_huge_tile, plain
from tendigits.data.folders import read_folder
from tendigits.errors import DataError
from tendigits.pictures import limits
from tendigits.pictures.documents import addresses
from tendigits.pictures.image import open_image
from tendigits.pictures.limits import MAX_SCANS, refuse_scans

READ = """
import json, sys, time
from pathlib import Path
from tendigits.pictures.image import open_image
from tendigits.errors import DataError
answers = {}
for path in sorted(Path(sys.argv[1]).iterdir()):
    started = time.process_time()
    try:
        answers[path.name] = str(open_image(path).grey.shape)
    except DataError as error:
        answers[path.name] = str(error)
    answers[path.name] = (answers[path.name], time.process_time() - started)
(peak,) = (int(line.split()[1]) >> 10 for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([answers, peak]))
"""


def read_in_a_process(folder):
    """For each file of a folder what was read, or the error, with the seconds of a processor; and the peak in MB."""
    done = subprocess.run([sys.executable, "-c", READ, folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_what_claims_too_much_is_refused_without_its_memory_and_time(tmp_path):
    for name, make in REFUSED.items():
        (tmp_path / f"{name}.png").write_bytes(make())  # a name of another format changes nothing
    answers, peak = read_in_a_process(tmp_path)
    assert len(answers) == len(REFUSED)
    for path, (answer, seconds) in answers.items():
        assert answer.startswith("expected "), path
        assert f"{tmp_path}/" in answer, path
        assert answer.endswith(("save it again", "make it smaller")), path
        assert seconds < 1, path
    assert peak < 200


@pytest.mark.parametrize("name", DEAR)
def test_pictures_whose_pixels_cost_more_may_have_fewer(name, monkeypatch):
    monkeypatch.setattr(limits, "MAX_DEAR_PIXELS", 64 * 64)
    assert open_image(DEAR[name](64)).grey.shape == (64, 64)
    with pytest.raises(DataError, match=r"4,096 in all for its format and colours, the picture has 65x65"):
        open_image(DEAR[name](65))
    assert open_image(plain("PNG", side=65)).grey.shape == (65, 65)


@pytest.mark.slow
@pytest.mark.parametrize("side", [4000, 7000])
def test_the_largest_of_them_take_less_than_350_mb(tmp_path, side):
    # A reader, its networks and a page take 150 to 250 MB more.
    for name, make in DEAR.items():
        (tmp_path / name).write_bytes(make(side))
    answers, peak = read_in_a_process(tmp_path)
    assert all(answer.endswith("make it smaller") == (side == 7000) for answer, _ in answers.values())
    assert peak < 350


def test_a_picture_of_ones_own_digits_is_checked_alike(tmp_path):
    for digit in "0123456789":
        (tmp_path / digit).mkdir()
        (tmp_path / digit / "a.png").write_bytes(one_huge_tile())
    with pytest.raises(DataError, match="has tiles of 46000x46000"):
        read_folder(tmp_path)
    with (
        Image.open(io.BytesIO(one_huge_tile())) as opened,
        pytest.raises(DataError, match="has tiles of 46000x46000"),
    ):
        open_image(opened)


def test_directories_that_overlap_are_not_counted_as_pages(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(REFUSED["directories that overlap"]())
    assert addresses(str(path)) == [str(path)]


@pytest.mark.parametrize("tail", [b"", many_scans(64, MAX_SCANS)], ids=["alone", "a picture behind its end"])
def test_scans_within_reason_and_what_stands_behind_a_jpeg_are_no_reason_to_refuse_it(tail):
    page = np.tile(np.arange(64, dtype=np.uint8) * 4, (64, 1))
    for data in (encoded(Image.fromarray(page), "JPEG", progressive=True), many_scans(64, MAX_SCANS // 2)):
        refuse_scans(data + tail, "a.jpg")
        assert open_image(data + tail).grey.shape == (64, 64)
    with pytest.raises(DataError, match=r"at most 100 scans .*a\.jpg has more"):
        refuse_scans(many_scans(64, MAX_SCANS), "a.jpg")


def test_a_marker_within_a_segment_is_no_scan():
    profile = b"\xff\xda\0\x08" * 2 * MAX_SCANS
    refuse_scans(encoded(Image.new("L", (64, 64)), "JPEG", icc_profile=profile), "a.jpg")
