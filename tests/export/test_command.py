import gzip
import json
import shutil

import pytest


@pytest.fixture
def export(run_cli, run_that_reads):
    """Call the command for this run: its exit code, output and errors."""
    return lambda *options: run_cli("export", run_that_reads, *options)


def test_an_export_as_text(export, tmp_path):
    path, accuracy, times = export("--to", "keras", "--out", tmp_path / "a.keras")[1].splitlines()
    assert path.startswith(f"{tmp_path / 'a.keras'}  0.")
    assert accuracy.endswith("100.00% agree")
    assert "largest difference 0" in times


def test_a_model_or_a_page_that_a_person_has_is_not_replaced(export, run_that_reads, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(run_that_reads / "model.keras", "other.keras")
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "index.html").write_text("my page")
    (tmp_path / "link.keras").symlink_to(run_that_reads / "model.keras")
    before = {path: path.read_bytes() for path in (*tmp_path.glob("*.keras"), tmp_path / "page" / "index.html")}
    for options, message in (
        (
            ["--to", "keras", "--out", "other.keras"],
            "--out would replace other.keras; choose another name, or add --overwrite",
        ),
        (["--to", "web", "--out", "page"], "--out would replace page/index.html; choose another name"),
        (["--to", "keras", "--out", "link.keras", "--overwrite"], "--out would overwrite link.keras, which is read"),
        (["--to", "onnx", "--out", "other.keras"], "expected a name ending in .onnx for --out, received other.keras"),
    ):
        code, _, errors = export(*options)
        assert (code, len(errors.splitlines())) == (2, 1)
        assert message in errors
    assert before == {path: path.read_bytes() for path in before}
    for _ in range(2):
        assert export("--to", "onnx")[0] == 0  # the folder exports/ is ours


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--to", "onnx", "--to", "h5", "--out", "a.onnx"], "expected one --to with --out, received 2"),
        (["--to", "keras", "--int8"], "expected --int8 with onnx, litert or web, received it with keras"),
        (["--to", "keras", "--also", "runs/other"], "expected --to web with --also"),
        (["--to", "tar"], "--to tar: expected onnx, litert, "),
    ],
)
def test_an_impossible_request_is_one_line(export, options, message):
    code, _, errors = export(*options)
    assert code == 2
    assert len(errors.splitlines()) == 1
    assert message in errors


def test_the_playground_needs_no_run_and_replaces_no_page_unasked(run_cli, tmp_path):
    command = ("export", "play", "--to", "web", tmp_path / "play")
    assert run_cli(*command)[0] == 0
    code, _, err = run_cli(*command)
    assert (code, "index.html; choose another name, or add --overwrite" in err) == (2, True)
    code, out, _ = run_cli(*command, "--json", "--overwrite")
    files = {path.name: path.stat().st_size for path in (tmp_path / "play").iterdir()}
    assert {*files} == {"index.html", "style.css", "icon.svg", "tendigits.js", "digits.js", "try.html", "try.css",
                       "lesson.html", "manifest.json", "service-worker.js"}  # fmt: skip
    assert sum(files.values()) < 3e6
    assert files["digits.js"] < 2.5e6
    page = [path.read_bytes() for path in (tmp_path / "play").iterdir() if path.name != "digits.js"]
    assert sum(len(gzip.compress(each)) for each in page) < 150_000
    index = str(tmp_path / "play" / "index.html")
    assert (code, json.loads(out)) == (0, {"format": "web", "path": index, "bytes": sum(files.values())})
    for options in (("--to", "onnx"), ("--to", "web", "--int8")):
        code, _, err = run_cli("export", "play", *options)
        assert (code, err.partition(",")[0]) == (2, "tendigits: expected --to web for play")
