import os
import shutil
import socket
import subprocess
import sys

import pytest
from PIL import Image

from helpers import free_port
from tendigits import cluster
from tendigits.cluster import connected, is_address, prepare, with_address
from tendigits.errors import HostError, UserError


def test_addresses():
    for text in ("local", "auto", "10.0.0.1:6379", "head:6379", "ray://head.lab:10001", "[::1]:6379"):
        assert is_address(text), text
    for text in ("", "scans", "s3://bucket", "a/b", "head", "head:port", "--parquet", "C:\\scans"):
        assert not is_address(text), text


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["sweep", "--ray"], ["sweep", "--ray", "local"]),
        (["read", "--ray", "scans", "--parquet", "out"], ["read", "--ray", "local", "scans", "--parquet", "out"]),
        (["read", "--ray", "head:6379", "scans"], ["read", "--ray", "head:6379", "scans"]),
        (["read", "--ray=head:6379", "scans"], ["read", "--ray=head:6379", "scans"]),
    ],
)
def test_the_default_address_is_this_machine(arguments, expected):
    assert with_address(arguments) == expected


def test_an_invalid_address():
    with pytest.raises(UserError, match="expected local, auto, HOST:PORT or ray://HOST:PORT, received 'head'"):
        prepare("head")


def test_an_address_that_does_not_answer():
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    with (
        pytest.raises(HostError, match=f"no Ray cluster at localhost:{port}: .*refused; start one: ray start --head"),
        connected(f"localhost:{port}"),
    ):
        pass
    with pytest.raises(HostError, match="no Ray cluster at localhost:99999"), connected("localhost:99999"):
        pass


@pytest.mark.parametrize("raised", [Exception("The current node timed out\nduring startup."), OSError(12, "no memory")])
def test_a_cluster_that_does_not_start_is_one_line(monkeypatch, raised):
    import ray

    def init(*_, **__):
        raise raised

    monkeypatch.setattr(ray, "init", init)
    with pytest.raises(HostError, match=r"^no Ray cluster at local: (The current node.* startup\.|no memory)$"):
        connected("local").__enter__()


def test_another_version_on_the_nodes():
    cluster._refuse_another_version(cluster._version())
    with pytest.raises(
        HostError, match=r"expected tendigits .* on the cluster, found 0\.0\.9; install it on every node"
    ):
        cluster._refuse_another_version("0.0.9")


WITH = """
import os, subprocess, sys
from tendigits.cluster import connected
with connected("local", workers=2, environment={"TENDIGITS_HELLO": "there"}) as cores:
    import ray
    assert cores == 2
    assert ray.get(ray.remote(lambda: os.environ["TENDIGITS_HELLO"]).remote()) == "there"
    context = ray.get_runtime_context()
    assert not ray._private.worker.global_worker.node.webui_url, "there is a dashboard"
    code = "import ray; ray.init(%r, logging_level='ERROR'); print('in')" % context.gcs_address
    others = []
    for token in (os.environ["RAY_AUTH_TOKEN"], "0" * 64):
        done = subprocess.run(
            [sys.executable, "-c", code], env=os.environ | {"RAY_AUTH_TOKEN": token}, capture_output=True, text=True
        )
        others.append("in" in done.stdout)
    assert others == [True, False], others
assert not ray.is_initialized()
"""


@pytest.mark.slow
def test_a_local_cluster_accepts_only_processes_that_know_its_token():
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    done = subprocess.run(
        [sys.executable, "-c", WITH], env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def head(tmp_path):
    """A cluster with a token; its address, and the environment variables that give access to it."""
    port = free_port()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environment = clean | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "7" * 64, "RAY_USAGE_STATS_ENABLED": "0"}
    ray = [sys.executable, "-m", "ray.scripts.scripts"]
    where = ["--temp-dir", f"/tmp/ray-{port}"]
    start = [*ray, "start", "--head", f"--port={port}", "--num-cpus=2", "--include-dashboard=false", *where]
    subprocess.run(start, env=environment, check=True, capture_output=True, timeout=120)
    try:
        yield f"127.0.0.1:{port}", environment
    finally:
        subprocess.run([*ray, "stop", "--force"], env=environment, check=True, capture_output=True, timeout=120)
        shutil.rmtree(f"/tmp/ray-{port}", ignore_errors=True)


@pytest.mark.slow
def test_reading_on_a_cluster_that_was_started_by_hand(head, tmp_path, digits):
    address, environment = head
    (pictures := tmp_path / "pictures").mkdir()
    for i in range(3):
        Image.fromarray(digits.x_test[i]).save(pictures / f"{i}.png")
    line = [
        sys.executable,
        "-m",
        "tendigits",
        "read",
        pictures,
        "--one",
        "--parquet",
        tmp_path / "out",
        "--ray",
        address,
    ]
    wrong = environment | {"RAY_AUTH_TOKEN": "0" * 64}
    refused = subprocess.run(line, env=wrong, capture_output=True, text=True, timeout=200, check=False)
    assert refused.returncode == 1
    assert f"tendigits: no Ray cluster at {address}" in refused.stderr.splitlines()[-1]
    read = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=200, check=False)
    assert read.returncode == 0, read.stderr
    assert "3 numbers in 3 pictures" in read.stdout
    assert read.stderr == ""
