import io

import keras
import pytest
import rich.console

from tendigits.model.network import build_network
from tendigits.model.recipe import Recipe
from tendigits.train.console import Console, TextConsole

LOGS = {"accuracy": 0.9, "loss": 0.3, "val_accuracy": 0.95, "val_loss": 0.2}
LINE = "loss 0.3000  accuracy 0.9000  val_loss 0.2000  val_accuracy 0.9500"


def play(callback: keras.callbacks.Callback) -> None:
    """Two epochs of three steps."""
    callback.set_params({"steps": 3, "epochs": 2})
    callback.on_train_begin()
    for epoch in range(2):
        callback.on_epoch_begin(epoch)
        for batch in range(3):
            callback.on_train_batch_end(batch, {"accuracy": 0.5, "loss": 1.0})
        callback.on_test_begin()
        callback.on_epoch_end(epoch, LOGS)
    callback.on_train_end()


@pytest.mark.parametrize("is_terminal", [False, True])
def test_stages_and_a_line_for_each_epoch(is_terminal):
    stream = io.StringIO()
    console = TextConsole(rich.console.Console(file=stream, width=100, force_terminal=is_terminal, color_system=None))
    console.stage(1, "Data", "MNIST: [60,000]", "from a/very/long/path/that/stays/in/one/piece.npz")
    console.warn("loud")
    console.network(build_network(Recipe()))
    with console.epochs(2, "runs/x") as callback:
        play(callback)
    text = stream.getvalue()
    assert text.startswith(
        "1 Data     MNIST: [60,000]\n           from a/very/long/path/that/stays/in/one/piece.npz\nWARNING: loud\n"
    )
    assert "669,706" in text
    assert [text.count(f" {epoch}/2  {LINE}  0.0 s") for epoch in (1, 2)] == [1, 1]
    assert ("/3 " in text) == is_terminal  # a progress bar


def test_the_quiet_console_shows_warnings(capsys):
    Console().warn("loud")
    assert capsys.readouterr() == ("", "WARNING: loud\n")
