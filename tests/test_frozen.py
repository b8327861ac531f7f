"""What programs and people see of tendigits from outside, compared with the files in tests/frozen.

`python tests/test_frozen.py` writes the files anew: read their diff, and commit it with the change that it comes from.
What depends on the machine or on the time stands there as its type, such as "<float>".
"""

import json
import os
import re
import shutil
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image
from starlette.testclient import TestClient
from typer.main import get_command

import tendigits
from drawing import FORM_FIELDS, crop64, filled_form, png, printed_table, strip_of
from frozen_files import REWRITE, describe, pretty, pretty_lines, same, words
from samples import NOW, correction, number
from tendigits.cli import app as command_line
from tendigits.serve.app import create_app
from tendigits.serve.config import ServerConfig
from tendigits.teach import pipeline


@pytest.fixture
def run(run_cli, tmp_path, monkeypatch):
    """Run a command in a folder of its own; gives its output."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", 100)
    monkeypatch.setattr(sys.modules["__main__"], "__package__", None)  # typer takes the command's name from there

    def call(*arguments):
        code, out, err = run_cli(*arguments)
        assert (code, err) == (0, "")
        return re.sub(r"\x1b\[[\d;]*m| +$", "", out, flags=re.MULTILINE)

    return call


@pytest.fixture(scope="module")
def trained(small_npz, tmp_path_factory):
    """A folder with the runs "a" and its copy "b", and what the training printed."""
    folder = tmp_path_factory.mktemp("trained")
    settings = "--hidden 16 --epochs 1 --batch-size 5 --learning-rate 0.003 --validation-split 0.5 --name a --json"
    with redirect_stdout(StringIO()) as out:
        command_line(["train", *settings.split(), f"--data={small_npz}", f"--runs={folder}"], standalone_mode=False)
    shutil.copytree(folder / "a", folder / "b")
    return folder, out.getvalue()


def test_help(run):
    commands = {"tendigits": []} | {name: [name] for name in get_command(command_line).commands}
    same("help", {f"{name}.txt": run(*command, "--help") for name, command in commands.items()})


def test_reading(run, digits):
    printed_table([(3, 4, 7), (5, 24, 29), (6, 34, 40)]).save("table.png")
    Image.new("L", (90, 90), 255).save("blank.png")
    Path("seven.png").write_bytes(png(digits.x_test[0]))
    Image.fromarray(filled_form({})).save("empty.png")
    Image.fromarray(filled_form({"student": "40275"})).save("filled.png")
    fields = "".join(f"{name} = {list(box)}\n" for name, box in FORM_FIELDS.items())
    Path("form.toml").write_text(f'picture = "empty.png"\n[fields]\n{fields}')
    asked = {"page": ["table.png", "blank.png"], "doubtful": ["seven.png", "--threshold", 1]}
    asked |= {"digit": ["seven.png", "blank.png", "--one"], "form": ["filled.png", "--form", "form.toml"]}
    read = {f"{name}.json": pretty_lines(run("read", *options, "--json")) for name, options in asked.items()}
    csvs = {f"{name}.csv": run("read", *options, "--csv", "-").splitlines()[0] for name, options in asked.items()}
    run("read", "table.png", "--parquet", "out", "--workers", 1)
    csvs["numbers.parquet.txt"] = str(pq.read_schema("out/part-00000.parquet"))
    csvs["pictures.parquet.txt"] = str(pq.read_schema("out/_pictures/part-00000.parquet"))
    same("json/read", read | {"_settings.json": pretty(json.loads(Path("out/_settings.json").read_text()))})
    same("csv", csvs)


def test_a_run(trained, run, small_npz):
    folder, printed = trained
    kept, named = folder / "a", {"recipe": "recipe", "record": "run", "report": "report"}
    contents = {name: json.loads((kept / f"{file}.json").read_text()) for name, file in named.items()}
    files = {f"{name}.json": pretty(content, exact=name == "recipe") for name, content in contents.items()}
    files["files.txt"] = "\n".join(sorted(str(path.relative_to(kept)) for path in kept.rglob("*") if path.is_file()))
    files["history.csv"] = (kept / "history.csv").read_text().splitlines()[0]
    same("run", files)
    data, runs = ("--data", small_npz), ("--runs", folder)
    exported = run("export", folder / "b", *data, "--to", "onnx", "--to", "keras", "--json")
    same("json/run", {"train.json": pretty_lines(printed), "export.json": pretty_lines(exported)})
    texts = {"runs": ["runs", *runs], "runs_a": ["runs", "a", *runs], "runs_a_b": ["runs", "a", "b", *runs]}
    texts |= {"data": ["data", *data], "evaluate": ["evaluate", "b", *runs, *data]}
    same("text", {f"{name}.txt": words(run(*arguments)) for name, arguments in texts.items()})


def test_a_sweep(run, small_npz):
    Path("tiny.toml").write_text("hidden = [16]\nepochs = 1\nvalidation_split = 0.25\nbatch_size = 5\n")
    Path("space.toml").write_text("learning_rate = [0.002, 0.003]\n")
    options = ("--recipe", "tiny.toml", "--space", "space.toml", "--trials", 1, "--data", small_npz)
    folder, files = Path("runs/sweep"), {"printed.txt": words(run("sweep", *options))}
    files["sweep.json"] = pretty(json.loads((folder / "sweep.json").read_text()), exact=True)
    files["best.toml.txt"] = words((folder / "best.toml").read_text())
    same("sweep", files | {"files.txt": "\n".join(sorted(path.name for path in folder.iterdir()))})


def test_teaching(run, small_npz, digits, store, place, monkeypatch):
    def train(data, *_, callbacks):
        callbacks[0].on_epoch_end(0, {"loss": 0.5})
        return data

    for name in ("fine_tune", "fine_tune_numbers"):
        monkeypatch.setattr(pipeline, name, train)
    store.add([correction(crop, label) for crop, label in zip(digits.x_train[:5], range(5), strict=True)])
    store.add([number(strip_of(text), text) for text in ("12", "34", "56", "78", "90")])
    same("json/teach", {"teach.json": pretty_lines(run("teach", "--store", place, "--data", small_npz, "--json"))})


def test_rest(trained, place, digits):
    app = create_app(ServerConfig(place, runs=trained[0], workers=1), now=lambda: NOW)
    crop, seven = crop64(digits.x_test[0]), png(digits.x_test[0])
    posted = {
        "read?crops=true": {"content": seven}, "read": {"content": b"text"},
        "read?one=true": {"content": seven}, "digits": {"json": {"digits": [digits.x_test[0].tolist()]}},
        "corrections": {"json": {"corrections": [{"crop": crop, "label": 7}]}},
        "corrections/numbers": {"json": {"numbers": [{"strip": crop64(strip_of("42")), "text": "42"}]}},
        "teach": {},
    }  # fmt: skip
    asked = "networks runs runs/a compare?run=a&run=b verdict?first=a&second=b recipes settings jobs/last phone"
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        answers = {f"POST {path}": client.post(f"/v1/{path}", **body) for path, body in posted.items()}
        answers |= {f"GET {path}": client.get(f"/v1/{path}") for path in asked.split()}
        exported = client.get("/v1/corrections/export").text
        document = client.get("/openapi.json").json()
    document["info"]["version"] = "<str>"
    same(".", {"openapi.json": json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False)}, "openapi.json")
    files = {"GET_corrections_export.json": pretty_lines(exported)}
    for name, answer in answers.items():
        files[re.sub(r"\W+", "_", name) + ".json"] = pretty({"status": answer.status_code, "content": answer.json()})
    same("json/rest", files)


def test_python():
    names, reader = "\n".join(tendigits.__all__), ", ".join(sorted(vars(tendigits.Reader())))
    described = describe([getattr(tendigits, name) for name in tendigits.__all__])
    same(".", {"api.txt": f"{names}\n\nReader has {reader}\n\n{described}"}, "api.txt")


if __name__ == "__main__":
    os.execve(sys.executable, [sys.executable, "-m", "pytest", "-q", __file__], os.environ | {REWRITE: "1"})
