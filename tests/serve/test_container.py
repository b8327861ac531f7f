"""The Dockerfile and compose.yaml, without Docker: they are parsed, and their commands run here, not as root."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
import yaml

from processes import free_port

ROOT = Path(__file__).parents[2]
UID = 10001
INSTRUCTIONS = [
    line.split(" ", 1) for line in (ROOT / "Dockerfile").read_text().splitlines() if line and not line.startswith("#")
]
TOKEN = "0123456789abcdef0123"


def values(name: str) -> list[str]:
    return [value for instruction, value in INSTRUCTIONS if instruction == name]


def command(name: str) -> list[str]:
    """The list of strings behind CMD."""
    (value,) = values(name)
    return json.loads(value[value.index("[") :])


def test_the_container_is_not_root_and_holds_nothing_but_the_package():
    assert values("USER") == [str(UID)]
    final = INSTRUCTIONS[max(i for i, (name, _) in enumerate(INSTRUCTIONS) if name == "FROM") :]
    assert [value for name, value in final if name == "COPY"] == ["--from=build /opt/tendigits /opt/tendigits"]
    assert {".git", "tests"} <= set((ROOT / ".dockerignore").read_text().split())


def test_compose_shuts_what_is_not_needed_and_uses_the_tested_configuration():
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    assert all(service["read_only"] for service in services.values())
    ours, nginx = services["tendigits"], services["nginx"]
    assert ours["cap_drop"] == ["ALL"]
    assert "--host" not in ours["command"], "only nginx reaches it"
    assert nginx["network_mode"] == "service:tendigits"
    for volume in nginx["volumes"]:
        source = volume.split(":")[0]
        assert volume.endswith(":ro")
        assert source == "./letsencrypt" or (ROOT / source).is_file()
    assert set(re.findall(r"\$\{(\w+):\?", (ROOT / "compose.yaml").read_text())) == {
        "TENDIGITS_TOKEN",
        "TENDIGITS_NAME",
    }


@pytest.fixture
def container():
    """A folder with what the image has; readable by all."""
    folder = Path(tempfile.mkdtemp(prefix="container"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="needs root, to become another user")
def test_its_commands_install_serve_and_are_healthy(container, tmp_path):
    port, data = str(free_port()), container / "data"
    clone = tmp_path / "source"
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    places = {"/opt/tendigits": str(container / "opt"), "/source": str(clone), "/data": str(data), "8000": port}

    def here(word: str) -> str:
        for place, there in places.items():
            word = word.replace(place, there)
        return word

    for line in values("RUN")[:3]:
        words = [sys.executable if word == "python" else here(word) for word in shlex.split(line)]
        if "uv" not in words[-1]:  # uv is here
            subprocess.run(words, check=True, env=os.environ | {"UV_SYSTEM_CERTS": "1"})
    data.mkdir()
    os.chown(data, UID, UID)
    become = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", "--no-new-privs"]
    environment = {"HOME": str(data), "PATH": "/usr/bin:/bin", "TENDIGITS_TOKEN": TOKEN}
    healthy = [*become, *map(here, command("HEALTHCHECK"))]
    server = subprocess.Popen([*become, *map(here, command("CMD"))], cwd=data, env=environment)
    try:
        deadline = time.monotonic() + 120
        while subprocess.run(healthy, env=environment, stderr=subprocess.DEVNULL).returncode:
            assert time.monotonic() < deadline
            assert server.poll() is None
            time.sleep(0.5)
        status = (Path("/proc") / str(server.pid) / "status").read_text()
        assert re.search(rf"^Uid:\t{UID}\t{UID}", status, re.MULTILINE)
        assert (data / "corrections.db").stat().st_uid == UID
    finally:
        server.terminate()
        server.wait(timeout=60)
    assert subprocess.run(healthy, env=environment, stderr=subprocess.DEVNULL).returncode != 0
