"""Addresses, and a real Ray cluster on this machine."""

import os
import shutil
import subprocess
import sys

import pytest
from PIL import Image

from processes import free_port
from tendigits.cluster import connected, is_address, prepare, with_address
from tendigits.errors import HostError, UserError


def test_addresses():
    for text in ("local", "auto", "10.0.0.1:6379", "head:6379", "ray://head.lab:10001", "[::1]:6379"):
        assert is_address(text), text
    for text in ("", "scans", "s3://bucket", "a/b", "head", "head:port", "--parquet", "C:\\scans"):
        assert not is_address(text), text
    with pytest.raises(UserError, match="expected local, auto, HOST:PORT or ray://HOST:PORT, received 'head'"):
        prepare("head")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("sweep --ray", "sweep --ray local"),
        ("read --ray scans --parquet out", "read --ray local scans --parquet out"),
        ("read --ray head:6379 scans", "read --ray head:6379 scans"),
        ("read --ray=head:6379 scans", "read --ray=head:6379 scans"),
    ],
)
def test_the_default_address_is_local(arguments, expected):
    assert with_address(arguments.split()) == expected.split()


@pytest.mark.parametrize("port", [free_port(), 99999], ids=["closed", "invalid"])
def test_an_address_that_does_not_answer(port):
    with pytest.raises(HostError, match=f"no Ray cluster at localhost:{port}: .*; start one: ray start --head"):
        connected(f"localhost:{port}").__enter__()


@pytest.fixture
def head():
    """A cluster that needs a token: its address, and the environment variables that give access."""
    port = free_port()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environment = clean | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "7" * 64, "RAY_USAGE_STATS_ENABLED": "0"}
    ray, folder = [sys.executable, "-m", "ray.scripts.scripts"], f"/tmp/ray-{port}"
    command = [*ray, "start", "--head", f"--port={port}", "--num-cpus=2", "--include-dashboard=false", "--block"]
    unbuffered = environment | {"PYTHONUNBUFFERED": "1"}
    # `ray stop` would end all clusters of this machine, those of other tests, too; with --block a signal ends this one.
    with subprocess.Popen(
        [*command, "--temp-dir", folder], env=unbuffered, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            assert any("Ray runtime started" in line for line in process.stdout)
            yield f"127.0.0.1:{port}", environment
        finally:
            process.terminate()
            process.communicate(timeout=60)
            shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
def test_reading_on_a_cluster_needs_its_token(head, tmp_path, digits):
    address, environment = head
    (pictures := tmp_path / "pictures").mkdir()
    for i in range(3):
        Image.fromarray(digits.x_test[i]).save(pictures / f"{i}.png")
    command = [sys.executable, "-m", "tendigits", "read", pictures, "--one", "--parquet", tmp_path / "out"]

    def read(**variables):
        return subprocess.run(
            [*command, "--ray", address], env=environment | variables, capture_output=True, text=True, timeout=200
        )

    refused = read(RAY_AUTH_TOKEN="0" * 64)
    assert refused.returncode == 1
    assert f"tendigits: no Ray cluster at {address}" in refused.stderr.splitlines()[-1]
    done = read()
    assert (done.returncode, done.stderr) == (0, "")
    assert "3 numbers in 3 pictures" in done.stdout
