"""What releases need: workflows of make targets alone, and a tag that is the version."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def steps(path):
    return [step for job in yaml.safe_load(path.read_text())["jobs"].values() for step in job.get("steps", [])]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_runs_targets_of_the_makefile_alone(path):
    for command in (step["run"] for step in steps(path) if "run" in step):
        assert re.fullmatch(r'make [a-z-]+( [A-Z]+="?\$?\w+"?)?', command)
        subprocess.run([*command.split(), "-n"], cwd=ROOT, check=True, capture_output=True)


def test_every_python_and_system_is_tested():
    matrix = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text())["jobs"]["installed"]["strategy"]
    assert matrix["matrix"]["python"] == ["3.11", "3.12", "3.13", "3.14"]
    assert {name.partition("-")[0] for name in matrix["matrix"]["os"]} == {"ubuntu", "macos", "windows"}


def test_only_the_job_that_publishes_may_ask_for_a_token_and_it_stores_none():
    for path in WORKFLOWS:
        text = path.read_text()
        assert "secrets." not in text
        assert yaml.safe_load(text)["permissions"] == {"contents": "read"}
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())["jobs"]
    assert jobs["publish"]["permissions"]["id-token"] == "write"
    assert jobs["publish"]["needs"] == "test"
    assert "check-release" in str(jobs["publish"]["steps"])


@pytest.mark.parametrize(("tag", "code"), [("v0.1.0", 0), ("v9.9", 1), ("0.1.0", 1)])
def test_a_tag_is_the_version(tag, code):
    done = subprocess.run([sys.executable, ROOT / "tools" / "release.py", tag], capture_output=True, text=True)
    assert done.returncode == code
    assert code == 0 or "expected the tag v0.1.0" in done.stderr
