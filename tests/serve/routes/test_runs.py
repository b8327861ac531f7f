"""Runs over HTTP: listed, compared, reported; and training that is refused."""

import json
import shutil

import pytest

pytestmark = pytest.mark.xdist_group("report")  # the same finished runs


@pytest.fixture(scope="module")
def finished_runs(tmp_path_factory, runs):
    """Two runs, the second a copy with other settings; and a folder that is none."""
    folder = tmp_path_factory.mktemp("runs")
    for name in ("one", "two"):
        shutil.copytree(runs / "a", folder / name)
    recipe = json.loads((folder / "two" / "recipe.json").read_text())
    (folder / "two" / "recipe.json").write_text(json.dumps(recipe | {"hidden": [8, 8]}))
    (folder / "no run").mkdir()
    return folder


@pytest.fixture
def with_runs(client, finished_runs, runs_folder):
    runs_folder.symlink_to(finished_runs)
    yield client
    runs_folder.unlink()


def test_no_runs(client):
    assert client.get("/v1/runs").json() == []


def test_runs_with_their_curves_settings_and_reports(with_runs):
    one, two = with_runs.get("/v1/runs").json()
    assert (one["name"], two["name"]) == ("one", "two")
    assert (one["status"], one["epochs"], one["history"]) == ("finished", 2, {})
    assert 0 < one["test_accuracy"] <= 1
    one = with_runs.get("/v1/runs/one").json()
    assert len(one["history"]["val_accuracy"]) == 2
    compared = with_runs.get("/v1/compare?run=one&run=two").json()
    assert [run["settings"]["hidden"] for run in compared] == [[16], [8, 8]]
    assert compared[0] == one
    report = with_runs.get("/v1/runs/one/report")
    assert report.status_code == 200
    assert "<h1" in report.text
    assert "default-src 'none'" in report.headers["content-security-policy"]
    assert "script" not in report.headers["content-security-policy"]


@pytest.mark.parametrize(
    "name", ["nothing", "no run", "%2e%2e", "..%2f..%2fetc", "one%2freport.html", "%00", "one%2f..%2ftwo"]
)
def test_names_that_are_not_runs(with_runs, name):
    for path in (f"/v1/runs/{name}", f"/v1/runs/{name}/report", f"/v1/compare?run={name}"):
        assert with_runs.get(path).status_code in (404, 422), path
    assert with_runs.post(f"/v1/runs/{name}/resume").status_code in (404, 405, 422)


@pytest.mark.parametrize(
    ("new", "status", "error"),
    [
        ({"recipe": "nothing"}, 404, "expected a recipe of "),
        ({"recipe": "../x.toml"}, 404, "expected a recipe of "),
        ({"epochs": 0}, 422, "epochs must be greater than or equal to 1, received 0."),
        ({"epochs": True}, 422, "epochs must be a valid integer, received true."),
        ({"name": "../x"}, 422, "name must be 1 to 64 letters, digits, "),
        ({"recipe": "classic", "more": 1}, 422, "more is not a known field."),
        ({"name": "one"}, 409, "there is already a run called one; choose another name"),
    ],
)
def test_training_that_is_refused(with_runs, new, status, error):
    before = with_runs.get("/v1/jobs/last").json()
    answer = with_runs.post("/v1/runs", json=new)
    assert answer.status_code == status
    assert answer.json()["error"].startswith(error)
    assert with_runs.get("/v1/jobs/last").json() == before
