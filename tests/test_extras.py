import importlib.util
import re
import sys

import pytest

import tendigits
from tendigits import cli
from tendigits.errors import MissingExtraError, UserError
from tendigits.extras import EXTRAS, require, unseen


@pytest.fixture(params=EXTRAS)
def without(request, monkeypatch) -> str:
    """An installation that lacks one extra."""
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in EXTRAS[request.param] else find(name))
    return str(request.param)


COMMANDS = {
    "train": ["train", "evaluate runs/first", "runs a b", "export runs/first --to onnx", "teach"],
    "sheet": ["sheet --columns a -o a.pdf"],
    "serve": ["serve"],
    "export": ["export runs/first --to litert"],
    "notebook": [],
    "scale": ["sweep --space a.toml", "read a.png --parquet out", "read s3://bucket/a.png"],
}


def test_a_command_says_what_to_install(without, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    for line in COMMANDS[without]:
        monkeypatch.setattr(sys, "argv", ["tendigits", *line.split()])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        message = capsys.readouterr().err
        assert ended.value.code == 2, line
        assert re.fullmatch(rf"tendigits: .* needs .*: pip install 'tendigits\[{without}\]'\n", message), message


@pytest.mark.parametrize("without", ["train"], indirect=True)
def test_a_name_of_the_package_is_an_import_error_that_says_what_to_install(without):
    with pytest.raises(ImportError, match=r"tendigits\.fit needs Keras, JAX, .*: pip install 'tendigits\[train\]'"):
        from tendigits import fit  # noqa: F401
    assert tendigits.Recipe().epochs


@pytest.mark.parametrize("without", ["train"], indirect=True)
def test_a_run_that_does_not_exist_needs_nothing_to_be_installed(without):
    with pytest.raises(UserError, match="expected a path, or the name of a run in runs, found no nope"):
        tendigits.Reader("nope")


def test_an_extra_that_includes_another_is_enough(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"needs Keras, .*Ray: pip install 'tendigits\[scale\]'"):
        require("tendigits sweep", "train", "scale")
    with pytest.raises(MissingExtraError, match=r"pip install 'tendigits\[train,serve\]'"):
        require("both", "train", "serve")


def test_unseen_hides_packages_within_the_block(monkeypatch):
    monkeypatch.delitem(sys.modules, "wave", raising=False)
    with unseen("wave", "re"):
        assert importlib.util.find_spec("wave") is None
        with pytest.raises(ImportError):
            import wave
        import re as imported_before

        assert imported_before is re
    import wave

    assert wave.open
