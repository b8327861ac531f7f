import sys

import pytest

from tendigits import cli


@pytest.fixture
def export(run_that_reads, monkeypatch, capfd):
    """Call the command in this process: its exit code, output and errors."""

    def call(*options):
        monkeypatch.setattr(sys, "argv", ["tendigits", "export", str(run_that_reads), *map(str, options)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code, *capfd.readouterr()

    return call


def test_an_export_as_text(export, tmp_path):
    path, accuracy, times = export("--to", "keras", "--out", tmp_path / "a.keras")[1].splitlines()
    assert path.startswith(f"{tmp_path / 'a.keras'}  0.")
    assert accuracy.endswith("100.00% agree")
    assert "largest difference 0" in times


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--to", "onnx", "--to", "h5", "--out", "a.onnx"], "expected one --to with --out, received 2"),
        (["--to", "keras", "--int8"], "expected --int8 with onnx, litert or web, received it with keras"),
        (["--to", "keras", "--also", "runs/other"], "expected --to web with --also"),
        (["--to", "tar"], "'tar' is not one of 'onnx', 'litert', "),
    ],
)
def test_an_impossible_request_is_one_line(export, options, message):
    code, _, errors = export(*options)
    assert code == 2
    assert len(errors.splitlines()) == 1
    assert message in errors
