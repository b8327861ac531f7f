import os
import shutil
import socket
import subprocess
import sys
from types import SimpleNamespace

import pytest
from PIL import Image

from helpers import free_port
from tendigits import cluster
from tendigits.cluster import connected, is_address, prepare, with_address
from tendigits.errors import HostError, UserError


@pytest.mark.parametrize("text", ["local", "auto", "10.0.0.1:6379", "head:6379", "ray://head.lab:10001", "[::1]:6379"])
def test_addresses(text):
    assert is_address(text)


@pytest.mark.parametrize("text", ["", "scans", "s3://bucket", "a/b", "head", "head:port", "--parquet", "C:\\scans"])
def test_no_addresses(text):
    assert not is_address(text)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ([], []),
        (["sweep", "--ray"], ["sweep", "--ray", "local"]),
        (["read", "--ray", "scans", "--parquet", "out"], ["read", "--ray", "local", "scans", "--parquet", "out"]),
        (["read", "--ray", "head:6379", "scans"], ["read", "--ray", "head:6379", "scans"]),
        (["read", "--ray=head:6379", "scans"], ["read", "--ray=head:6379", "scans"]),
        (["read", "--ray", "local"], ["read", "--ray", "local"]),
    ],
)
def test_an_option_without_an_address_means_this_machine(given, meant):
    assert with_address(given) == meant


def test_what_is_no_address_is_told():
    with pytest.raises(UserError, match="expected local, auto, HOST:PORT or ray://HOST:PORT, received 'head'"):
        prepare("head")


def test_nobody_there():
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


class RayError(Exception): ...


class Elsewhere:
    """A Ray whose nodes have another tendigits, or none."""

    exceptions = SimpleNamespace(RayError=RayError)

    def __init__(self, answer):
        self.answer = answer

    def remote(self, **_):
        return lambda _: SimpleNamespace(remote=lambda: None)

    def get(self, _):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(("answer", "found"), [("0.0.9", "0.0.9"), (RayError("no module"), r"none \(RayError\)")])
def test_nodes_with_another_tendigits_or_none(answer, found):
    with pytest.raises(HostError, match=f"expected tendigits .* on the cluster, found {found}; install it on every"):
        cluster._same_version(Elsewhere(answer))
    cluster._same_version(Elsewhere(cluster._their_version()))


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
@pytest.mark.alone
def test_a_cluster_of_this_machine_lets_only_those_in_that_know_its_token():
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    done = subprocess.run(
        [sys.executable, "-c", WITH], env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def head(tmp_path):
    """A cluster that is there, with a token of its own; gives its address and the environment of who knows it."""
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
@pytest.mark.alone
def test_a_cluster_that_is_there(head, tmp_path, digits):
    address, environment = head
    for i in range(3):
        Image.fromarray(digits.x_test[i]).save(tmp_path / f"{i}.png")
    line = [
        sys.executable,
        "-m",
        "tendigits",
        "read",
        tmp_path,
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
