import subprocess
import sys
from contextlib import suppress

import pytest
from PIL import Image

from processes import free_port
from tendigits.batch.sources import content_of, find_pictures
from tendigits.errors import DataError, UserError
from tendigits.pictures.image import open_image

NAMES = ("0.png", "1.png", "2.png", "sub/last.BMP")


@pytest.fixture
def folder(tmp_path, digits):
    (tmp_path / "sub").mkdir()
    for i, name in enumerate(NAMES):
        Image.fromarray(digits.x_test[i]).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("7")
    (tmp_path / "sub" / "IMG.JXL").write_bytes(b"")
    return tmp_path


def test_the_pictures_of_a_folder_and_its_subfolders_by_name(folder):
    found = find_pictures([folder, folder / "notes.txt"])
    assert found.pictures == [str(folder / name) for name in (*NAMES, "notes.txt")]
    assert found.skipped == [str(folder / "sub" / "IMG.JXL")]
    assert found.others == [str(folder / "notes.txt")]
    assert content_of(found.pictures[0]) == str(folder / "0.png")


def test_links_to_pictures_are_followed_and_other_links_are_listed(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (folder / "0.png").rename(elsewhere / "0.png")
    (folder / "0.png").symlink_to(elsewhere / "0.png")
    (folder / "gone.png").symlink_to(elsewhere / "gone.png")
    (folder / "linked").symlink_to(elsewhere)
    (folder / "loop").symlink_to(folder)
    found = find_pictures([folder])
    assert found.others == [str(folder / name) for name in ("linked", "loop", "notes.txt")]
    assert open_image(found.pictures[0]).grey.shape == (28, 28)
    assert len(found.pictures) == len(NAMES) + 1


def test_the_pictures_at_an_address(folder):
    found = find_pictures([f"file://{folder}"])
    assert found.pictures == [f"file://{folder}/{name}" for name in NAMES]
    assert found.skipped == [f"file://{folder}/sub/IMG.JXL"]
    assert content_of(found.pictures[0]) == content_of(found.pictures[0]) == (folder / "0.png").read_bytes()
    assert find_pictures(found.skipped).pictures == found.skipped, "a file given by name is read"


def test_a_folder_without_pictures_is_reported(folder):
    (folder / "sub" / "last.BMP").unlink()
    for place in (folder / "sub", f"file://{folder}/sub"):
        with pytest.raises(DataError, match=r"expected pictures in the folder .*, found none but .*IMG.JXL; readable"):
            find_pictures([place])
    with pytest.raises(DataError, match=r"expected pictures in the folder .*, found none; readable formats: \.png"):
        find_pictures([f"file://{folder}/none"])


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("ftp://host/scans", "cannot open the address ftp://host/scans"),
        ("s3://key:secret@bucket/scans", "expected an address without keys or options, received .*; set them as"),
        ("s3://bucket/scans?endpoint_override=x", "expected an address without .*, received s3://bucket/scans;"),
    ],
)
def test_addresses_that_are_refused(address, message):
    with pytest.raises(UserError, match=message):
        find_pictures([address])


@pytest.fixture
def bucket(folder, monkeypatch):
    """A store that speaks S3, with the folder's files in it."""
    import boto3
    from botocore.exceptions import EndpointConnectionError

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
            while server.poll() is None:
                with suppress(EndpointConnectionError):
                    client.create_bucket(Bucket="scans")
                    break
            for path in folder.rglob("*"):
                if path.is_file():
                    client.upload_file(str(path), "scans", f"2026/{path.relative_to(folder)}")
            yield "s3://scans/2026"
        finally:
            server.kill()


@pytest.mark.slow
def test_a_bucket(bucket, folder):
    found = find_pictures([bucket]).pictures
    assert found == [f"{bucket}/{name}" for name in NAMES]
    assert content_of(found[3]) == (folder / "sub" / "last.BMP").read_bytes()
    with pytest.raises(DataError, match=r"expected a picture at s3://scans/2026/none\.png"):
        content_of(f"{bucket}/none.png")
