import io

import keras
import pyte
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


def terminal(stream: io.StringIO) -> TextConsole:
    return TextConsole(rich.console.Console(file=stream, force_terminal=True, width=100, height=20))


def shown(stream: io.StringIO) -> list[str]:
    """The lines of a terminal after everything that was written."""
    screen = pyte.Screen(100, 20)
    pyte.Stream(screen).feed(stream.getvalue().replace("\n", "\r\n"))
    return [line.rstrip() for line in screen.display if line.strip()]


def test_on_a_terminal_a_progress_bar_moves_and_a_line_per_epoch_stays():
    stream, screens = io.StringIO(), []
    with terminal(stream).epochs(2, "runs/x") as callback:

        def capture():
            callback.progress.refresh()
            screens.append(shown(stream))

        callback.set_params({"steps": 1875, "epochs": 2})
        callback.on_epoch_begin(0)
        callback.on_train_batch_end(899, {"accuracy": 0.5, "loss": 1.0})
        capture()
        callback.on_test_begin()
        capture()
        callback.on_epoch_end(0, LOGS)
        callback.on_epoch_begin(1)
        callback.on_train_batch_end(0, {"accuracy": 0.5, "loss": 1.0})
        capture()
        callback.on_epoch_end(1, LOGS)
    training, validating, second_epoch, end = *screens, shown(stream)
    assert training[0].startswith(" 1/2 ━")
    assert "900/1875" in training[0]
    assert "loss 1.0000  accuracy 0.5000" in training[0]
    assert validating[0].startswith("validating")
    assert second_epoch[0].startswith(f" 1/2  {LINE}")
    assert "1/1875" in second_epoch[1]
    assert len(end) == 2
    assert "━" not in "".join(end)


def test_a_pipe_gets_plain_lines():
    stream = io.StringIO()
    console = TextConsole(rich.console.Console(file=stream, width=40))
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
    assert text.splitlines()[-2:] == [f" {epoch}/2  {LINE}  0.0 s" for epoch in (1, 2)]


def test_the_quiet_console_shows_only_warnings(capsys):
    console = Console()
    console.stage(1, "Data", "x")
    console.line("x")
    console.network(build_network(Recipe(hidden=(4,))))
    with console.epochs(2, "runs/x") as callback:
        play(callback)
    console.warn("loud")
    assert capsys.readouterr() == ("", "WARNING: loud\n")
