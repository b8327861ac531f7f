"""Runs over HTTP: listed, compared, reported; and training that is refused."""

import json
import shutil

import pytest
from typer.main import get_command

from tendigits import cli
from tendigits.serve.jobs import Job, Jobs
from tendigits.train.command import setting_options

pytestmark = pytest.mark.xdist_group("report")  # the same finished runs


@pytest.fixture(scope="module")
def finished_runs(tmp_path_factory, runs):
    """Two runs, the second a copy with other settings; and a folder without a run."""
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


def test_runs_with_their_curves_settings_and_reports(with_runs):
    one, two = with_runs.get("/v1/runs").json()["runs"]
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


def test_settings_become_options_of_the_command(client, monkeypatch):
    started = []

    async def start(_, kind, arguments, parameters):
        started.append(arguments)
        return Job(1, kind, parameters, "running", None)

    monkeypatch.setattr(Jobs, "start", start)
    changes = {
        "epochs": 3, "learning_rate": 1e-5, "hidden": [], "batch_norm": True, "restore_best": False,
        "convolutions": ["8x5/2", "16"], "optimizer": "sgd", "augmentation.shift": 2, "metrics": ["accuracy"],
    }  # fmt: skip
    answer = client.post("/v1/runs", json={"recipe": "mlp", "settings": changes})
    assert answer.status_code == 202
    assert answer.json()["parameters"] == {"recipe": "mlp", "run": None, "epochs": 3}
    (arguments,) = started
    command = get_command(cli.app).commands["train"]
    with command.make_context("train", arguments[1:]) as context:
        given = {option.opts[0]: context.params[option.name] for option in setting_options()}
    read = {
        flag.lstrip("-").replace("-", "_"): list(value) if isinstance(value, tuple) else value
        for flag, value in given.items()
        if value is not None
    }
    assert read == changes


def test_damaged_and_foreign_runs_are_named_and_the_others_are_listed(with_runs, runs_folder):
    (runs_folder / "text").mkdir()
    (runs_folder / "text" / "run.json").write_text("no JSON")
    (runs_folder / "linked").symlink_to(runs_folder / "one")
    try:
        answer = with_runs.get("/v1/runs").json()
        assert [run["name"] for run in answer["runs"]] == ["one", "two"]
        linked, text = answer["damaged"]
        assert linked.startswith("linked")
        assert "text is not a run folder: cannot read run.json" in text
        for name in ("linked", "text"):
            assert with_runs.get(f"/v1/runs/{name}").status_code == 404
            assert with_runs.post(f"/v1/runs/{name}/resume").status_code == 404
    finally:
        (runs_folder / "linked").unlink()
        shutil.rmtree(runs_folder / "text")


def test_a_report_that_is_a_link_is_not_served(with_runs, runs_folder, tmp_path):
    (tmp_path / "secret").write_text("another's")
    report = runs_folder / "two" / "report.html"
    report.rename(tmp_path / "report.html")
    report.symlink_to(tmp_path / "secret")
    assert with_runs.get("/v1/runs/two/report").status_code == 404
    report.unlink()
    (tmp_path / "report.html").rename(report)
    assert with_runs.get("/v1/runs/two/report").status_code == 200


@pytest.mark.parametrize("name", ["nothing", "no run", "%2e%2e", "..%2f..%2fetc", "%00", "one%2f..%2ftwo"])
def test_names_that_are_not_runs(with_runs, name):
    for path in (f"/v1/runs/{name}", f"/v1/runs/{name}/report", f"/v1/compare?run={name}"):
        assert with_runs.get(path).status_code in (404, 422), path
    assert with_runs.post(f"/v1/runs/{name}/resume").status_code in (404, 405, 422)


@pytest.mark.parametrize(
    ("new", "status", "error"),
    [
        ({"recipe": "nothing"}, 404, "expected a recipe of "),
        ({"settings": {"epochs": 0}}, 422, "recipe field 'epochs': expected greater than or equal to 1, received 0"),
        ({"settings": {"runs": "/tmp"}}, 422, "expected settings that /v1/settings lists, received 'runs'"),
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
