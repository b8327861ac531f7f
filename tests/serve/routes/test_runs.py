"""Runs over HTTP: listed, compared, reported; trained, watched, stopped and resumed."""

import json
import time

import pytest

from tendigits import run_recipe
from tendigits.model.recipe import RECIPES, Recipe


@pytest.fixture(scope="module")
def runs(tmp_path_factory, small_npz):
    """Two finished runs."""
    folder = tmp_path_factory.mktemp("runs")
    for name, hidden in (("one", (16,)), ("two", (8, 8))):
        run_recipe(Recipe(hidden=hidden, epochs=2), small_npz, runs=folder, name=name)
    (folder / "no run").mkdir()
    return folder


@pytest.fixture
def with_runs(client, runs, tmp_path):
    (tmp_path / "runs").symlink_to(runs)
    return client


def test_no_runs(client):
    assert client.get("/v1/runs").json() == []


def test_all_runs(with_runs):
    one, two = with_runs.get("/v1/runs").json()
    assert (one["name"], two["name"]) == ("one", "two")
    assert one["status"] == "finished"
    assert one["epochs"] == 2
    assert 0 < one["test_accuracy"] <= 1
    assert one["history"] == {}


def test_one_run_and_several_with_curves_and_knobs(with_runs):
    one = with_runs.get("/v1/runs/one").json()
    assert len(one["history"]["val_accuracy"]) == 2
    assert one["knobs"]["hidden"] == [16]
    compared = with_runs.get("/v1/compare?run=one&run=two").json()
    assert [run["knobs"]["hidden"] for run in compared] == [[16], [8, 8]]
    assert compared[0] == one


def test_a_report_has_a_policy_of_its_own(with_runs):
    answer = with_runs.get("/v1/runs/one/report")
    assert answer.status_code == 200
    assert "<h1" in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "script" not in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "name", ["nothing", "no run", "%2e%2e", "..%2f..%2fetc", "one%2freport.html", "%00", "one%2f..%2ftwo"]
)
def test_runs_that_are_none(with_runs, name):
    for path in (f"/v1/runs/{name}", f"/v1/runs/{name}/report", f"/v1/compare?run={name}"):
        answer = with_runs.get(path)
        assert answer.status_code in (404, 422), path
    assert with_runs.post(f"/v1/runs/{name}/resume").status_code in (404, 405, 422)


def test_recipes(client):
    answer = client.get("/v1/recipes").json()
    assert [recipe["name"] for recipe in answer] == [*RECIPES]
    assert answer[0]["about"].startswith("The walk-through, number for number")
    assert answer[0]["knobs"]["hidden"] == [512, 512]


@pytest.mark.parametrize(
    ("new", "status"),
    [
        ({"recipe": "nothing"}, 404),
        ({"recipe": "../x.toml"}, 404),
        ({"epochs": 0}, 422),
        ({"epochs": True}, 422),
        ({"seed": -1}, 422),
        ({"name": "../x"}, 422),
        ({"name": "-x"}, 422),
        ({"recipe": "classic", "more": 1}, 422),
        ({"name": "one"}, 409),
    ],
)
def test_trainings_that_are_refused(with_runs, new, status):
    assert with_runs.post("/v1/runs", json=new).status_code == status
    assert with_runs.get("/v1/jobs/last").json() is None


def follow(client, number):
    with client.stream("GET", f"/v1/jobs/{number}/events") as answer:
        text = "".join(answer.iter_text())
    return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]


@pytest.mark.slow
def test_a_training_is_watched_stopped_and_resumed(client):
    """Real processes, on all of MNIST."""
    job = client.post("/v1/runs", json={"recipe": "classic", "epochs": 40, "name": "mine"})
    assert job.status_code == 202
    assert job.json()["about"] == {"recipe": "classic", "run": "mine", "epochs": 40}
    for _ in range(600):
        if client.get("/v1/runs").json() and client.get("/v1/runs/mine").json()["epochs"] >= 1:
            break
        time.sleep(0.1)
    assert client.get("/v1/runs/mine").json()["status"] == "running"
    stopped = client.delete(f"/v1/jobs/{job.json()['id']}").json()
    assert stopped["status"] == "stopped"
    before = client.get("/v1/runs/mine").json()
    assert before["status"] == "interrupted"
    job = client.post("/v1/runs/mine/resume")
    assert job.status_code == 202
    *epochs, end = follow(client, job.json()["id"])
    assert end["status"] == "finished", end
    assert epochs[0]["epoch"] == before["epochs"] + 1
    after = client.get("/v1/runs/mine").json()
    assert after["status"] == "finished"
    assert after["test_accuracy"] > 0.85
    assert client.post("/v1/runs/mine/resume").status_code == 202  # told by the job itself
    *_, end = follow(client, client.get("/v1/jobs/last").json()["id"])
    assert end["status"] == "failed"
    assert "is finished" in end["error"]
