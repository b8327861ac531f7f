import json
import subprocess
import sys

import pytest

from tendigits import cli


@pytest.mark.slow
def test_several_formats_as_json_with_nothing_else_on_the_screen(run):
    command = [sys.executable, "-m", "tendigits", "export", str(run), "--to", "litert", "--to", "onnx", "--int8"]
    ended = subprocess.run([*command, "--json"], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")
    litert, onnx = map(json.loads, ended.stdout.splitlines())
    assert (litert["format"], onnx["format"]) == ("litert", "onnx")
    for row, name in ((litert, "one-int8.tflite"), (onnx, "one-int8.onnx")):
        assert row["path"] == str(run / "exports" / name)
        assert row["bytes"] == (run / "exports" / name).stat().st_size
        assert row["agreement"] >= 0.99


@pytest.fixture
def export(run, monkeypatch, capfd):
    """Call the command in this process: its exit code, output and errors."""

    def call(*options):
        monkeypatch.setattr(sys, "argv", ["tendigits", "export", str(run), *map(str, options)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code, *capfd.readouterr()

    return call


def test_text(export, tmp_path):
    code, output, errors = export("--to", "keras", "--out", tmp_path / "a.keras")
    assert (code, errors) == (0, "")
    path, accuracy, times = output.splitlines()
    assert path.startswith(f"{tmp_path / 'a.keras'}  0.")
    assert accuracy.endswith("100.00% read alike")
    assert "largest difference 0" in times


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--to", "onnx", "--to", "h5", "--out", "a.onnx"], "expected one --to with --out, received 2"),
        (["--to", "keras", "--int8"], "expected --int8 with onnx, litert or web, received it with keras"),
        (["--to", "tar"], "--to must be one of 'onnx', 'litert', "),
        ([], "--to"),
    ],
)
def test_an_impossible_request_is_one_line(export, options, message):
    code, _, errors = export(*options)
    assert code == 2
    assert len(errors.splitlines()) == 1
    assert message in errors
