import io
import json

import keras
import pyte
import pytest
from rich.console import Console

from tendigits.model.network import build_network
from tendigits.model.recipe import Recipe
from tendigits.train.console import JsonScreen, Screen, TextScreen

LOGS = {"accuracy": 0.9, "loss": 0.3, "val_accuracy": 0.95, "val_loss": 0.2}


def play(callback: keras.callbacks.Callback, epochs: int = 2, steps: int = 3) -> None:
    callback.set_params({"steps": steps, "epochs": epochs})
    callback.on_train_begin()
    for epoch in range(epochs):
        callback.on_epoch_begin(epoch)
        for batch in range(steps):
            callback.on_train_batch_end(batch, {"accuracy": 0.5, "loss": 1.0})
        callback.on_test_begin()
        callback.on_epoch_end(epoch, LOGS)
    callback.on_train_end()


def test_on_a_terminal_a_bar_moves_and_a_line_an_epoch_stays():
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100, height=20, color_system="standard")
    seen = []
    with TextScreen(console).epochs(2, "runs/x") as callback:
        callback.set_params({"steps": 1875, "epochs": 2})
        callback.on_epoch_begin(0)
        callback.on_train_batch_end(899, {"accuracy": 0.5, "loss": 1.0})
        callback.progress.refresh()
        seen.append(shown(stream))
        callback.on_test_begin()
        callback.progress.refresh()
        seen.append(shown(stream))
        callback.on_epoch_end(0, LOGS)
        callback.on_epoch_begin(1)
        callback.on_train_batch_end(0, {"accuracy": 0.5, "loss": 1.0})
        callback.progress.refresh()
        seen.append(shown(stream))
        callback.on_epoch_end(1, LOGS)
    seen.append(shown(stream))
    bar = seen[0][0]
    assert bar.startswith(" 1/2 ━")
    assert "900/1875" in bar
    assert "loss 1.0000  accuracy 0.5000" in bar
    assert seen[1][0].startswith("validating")
    assert seen[2][0].startswith(" 1/2  loss 0.3000  accuracy 0.9000  val_loss 0.2000  val_accuracy 0.9500")
    assert "1/1875" in seen[2][1]
    assert len(seen[3]) == 2
    assert "━" not in "".join(seen[3])


def shown(stream: io.StringIO) -> list[str]:
    """What a terminal would show after all that was written."""
    screen = pyte.Screen(100, 20)
    pyte.Stream(screen).feed(stream.getvalue().replace("\n", "\r\n"))
    return [line.rstrip() for line in screen.display if line.strip()]


def test_the_bar_is_gone_when_training_ends_by_an_error():
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100, height=20)

    def end_by_an_error():
        with TextScreen(console).epochs(2, "runs/x") as callback:
            callback.set_params({"steps": 3, "epochs": 2})
            callback.on_epoch_begin(0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        end_by_an_error()
    assert shown(stream) == []
    assert "\x1b[?25h" in stream.getvalue()  # the cursor is back


def test_elsewhere_plain_lines():
    stream = io.StringIO()
    with TextScreen(Console(file=stream, width=40)).epochs(2, "runs/x") as callback:
        play(callback)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2
    assert lines[1].startswith(" 2/2  loss 0.3000  accuracy 0.9000  val_loss 0.2000  val_accuracy 0.9500  0.0 s")


def test_stages_warnings_and_the_network():
    stream = io.StringIO()
    screen = TextScreen(Console(file=stream, width=40))
    screen.stage(1, "Data", "MNIST: [60,000]", "from a/very/long/path/that/stays/in/one/piece.npz")
    screen.warn("loud")
    screen.network(build_network(Recipe()))
    text = stream.getvalue()
    assert text.startswith(
        "1 Data     MNIST: [60,000]\n           from a/very/long/path/that/stays/in/one/piece.npz\nWARNING: loud\n"
    )
    assert "669,706" in text


def test_json_lines(capsys):
    with JsonScreen().epochs(2, "runs/x") as callback:
        play(callback)
    JsonScreen().stage(1, "Data", "nothing of this")
    out, err = capsys.readouterr()
    lines = [json.loads(line) for line in out.splitlines()]
    assert [(line["epoch"], line["epochs"], line["run"], line["val_loss"]) for line in lines] == [
        (1, 2, "runs/x", 0.2),
        (2, 2, "runs/x", 0.2),
    ]
    assert err == ""


def test_quiet_says_only_warnings(capsys):
    screen = Screen()
    screen.stage(1, "Data", "x")
    screen.line("x")
    screen.network(build_network(Recipe(hidden=(4,))))
    with screen.epochs(2, "runs/x") as callback:
        play(callback)
    screen.warn("loud")
    assert capsys.readouterr() == ("", "WARNING: loud\n")
