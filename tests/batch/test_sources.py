import os
import subprocess
import sys
import time

import pytest
from PIL import Image

from helpers import free_port
from tendigits.batch import sources
from tendigits.batch.sources import content_of, fetch, find_pictures, is_remote
from tendigits.errors import DataError, UserError


@pytest.fixture
def folder(tmp_path, digits):
    for i in range(3):
        Image.fromarray(digits.x_test[i]).save(tmp_path / f"{i}.png")
    (tmp_path / "sub").mkdir()
    Image.fromarray(digits.x_test[3]).save(tmp_path / "sub" / "last.BMP")
    (tmp_path / "notes.txt").write_text("7")
    return tmp_path


def test_pictures_of_a_folder_by_name_with_its_folders(folder):
    found = find_pictures([folder, folder / "notes.txt"])
    assert found == [str(folder / name) for name in ("0.png", "1.png", "2.png", "sub/last.BMP", "notes.txt")]
    assert content_of(found[0]) == folder / "0.png"


def test_a_folder_without_a_picture_is_told(tmp_path):
    with pytest.raises(DataError, match=r"expected pictures in the folder .*, found none; read are \.png"):
        find_pictures([tmp_path])


@pytest.mark.parametrize(
    ("place", "remote"), [("s3://b/x", True), ("file:///x", True), ("x/y.png", False), ("s3:/x", False)]
)
def test_what_is_an_address(place, remote):
    assert is_remote(place) is remote


def test_an_address_of_this_machine(folder):
    found = find_pictures([f"file://{folder}"])
    assert found == [f"file://{folder}/{name}" for name in ("0.png", "1.png", "2.png", "sub/last.BMP")]
    assert fetch(found[0]) == content_of(found[0]) == (folder / "0.png").read_bytes()
    assert find_pictures([found[0]]) == [found[0]]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("ftp://host/scans", "ftp://host/scans is no address that can be opened"),
        ("s3://key:secret@bucket/scans", "expected a plain address, received .*; keys are in the environment"),
        ("s3://bucket/scans?endpoint_override=x", "expected a plain address, received s3://bucket/scans;"),
    ],
)
def test_addresses_that_are_refused(address, said):
    with pytest.raises(UserError, match=said) as caught:
        find_pictures([address])
    assert "secret" not in str(caught.value) or "key:secret@" in address


def test_nothing_at_an_address(tmp_path):
    with pytest.raises(DataError, match="expected pictures in the folder file://"):
        find_pictures([f"file://{tmp_path}"])
    with pytest.raises(DataError, match="expected a picture at file://"):
        fetch(f"file://{tmp_path}/none.png")


def test_too_large_a_picture(folder, monkeypatch):
    monkeypatch.setattr(sources, "MAX_BYTES", 100)
    with pytest.raises(DataError, match=r"expected a picture of at most 0 MB, file://.*/0.png has \d+ bytes"):
        fetch(f"file://{folder}/0.png")


@pytest.fixture
def bucket(folder, monkeypatch):
    """A store in the manner of S3, with the folder's files in it."""
    import boto3

    port = free_port()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_EC2_METADATA_DISABLED": "true",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            client = boto3.client("s3")
            until = time.monotonic() + 60
            while True:
                try:
                    client.create_bucket(Bucket="scans")
                    break
                except Exception:
                    assert time.monotonic() < until
                    time.sleep(0.2)
            for path in folder.rglob("*"):
                if path.is_file():
                    client.upload_file(str(path), "scans", f"2026/{path.relative_to(folder)}")
            yield "s3://scans/2026"
        finally:
            server.kill()


@pytest.mark.slow
def test_a_bucket(bucket, folder, tmp_path):
    assert os.environ["AWS_ENDPOINT_URL"]
    found = find_pictures([bucket])
    assert found == [f"{bucket}/{name}" for name in ("0.png", "1.png", "2.png", "sub/last.BMP")]
    assert fetch(found[3]) == (folder / "sub" / "last.BMP").read_bytes()
    with pytest.raises(DataError, match=r"expected a picture at s3://scans/2026/none\.png"):
        fetch(f"{bucket}/none.png")
    done = subprocess.run(
        [sys.executable, "-m", "tendigits", "read", "--one", bucket],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [line.partition(": ")[0] for line in done.stdout.splitlines()] == found
