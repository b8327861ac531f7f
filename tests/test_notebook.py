"""The notebooks: their committed outputs, and that they still run, on a part of MNIST."""

import re
from pathlib import Path
from typing import Any

import pytest

from colab import link

pytestmark = pytest.mark.xdist_group("documents")  # with test_docs: the longest of the slow tests, so begun early

ROOT = Path(__file__).parents[1]
FIRST = ROOT / "notebooks" / "first_network.ipynb"
BETTER = ROOT / "notebooks" / "better_network.ipynb"
GAN = ROOT / "notebooks" / "gan.ipynb"
PICTURES = {FIRST: 14, BETTER: 13, GAN: 4}
N_DIGITS = {FIRST: 4000, BETTER: 4000, GAN: 12_000}
"""Training digits that the slow tests execute each notebook with."""


def committed(path: Path) -> Any:
    import nbformat

    return nbformat.read(path, as_version=4)


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(notebook: Any) -> list[Any]:
    return [output for cell in code_cells(notebook) for output in cell.outputs]


def printed(notebook: Any, cell_id: str) -> str:
    """What one cell printed, tables as the HTML that a person sees."""
    (cell,) = [cell for cell in notebook.cells if cell.id == cell_id]
    return "".join(o.get("text", "") or o.get("data", {}).get("text/html", "") for o in cell.outputs)


def pictures(notebook: Any) -> int:
    return sum("image/png" in output.get("data", {}) for output in outputs(notebook))


def percents(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"([\d.]+)%", text)]


def check_first_story(notebook, *, accuracy):
    """What the text around the outputs says is so, whatever digits they were made with."""
    assert "669,706" in re.sub(r"<[^>]+>", "", printed(notebook, "build"))
    assert "counts the same: True" in printed(notebook, "check-parameters")
    assert "says the same:    True" in printed(notebook, "softmax-demo")
    assert "exactly the same answers: True" in printed(notebook, "save-code")
    by_hand_and_keras = re.findall(r"a loss of ([\d.]+) \(Keras: ([\d.]+)\)", printed(notebook, "cross-entropy-demo"))
    assert len(by_hand_and_keras) == 3
    assert all(mine == theirs for mine, theirs in by_hand_and_keras)

    (ruler,) = percents(printed(notebook, "nearest-mean"))
    assert percents(printed(notebook, "evaluate"))[0] > max(accuracy, ruler + 5)
    own, others = percents(printed(notebook, "overfit-read"))
    assert own == 100
    assert others < 95

    plain, *changed = percents(printed(notebook, "own-demo"))
    assert max(changed) < plain - 15
    assert min(percents(printed(notebook, "own-repair-code"))) > plain - 4

    assert "data:image/svg+xml" in printed(notebook, "own-digit-code")  # nothing was drawn: the first test digit
    answers = re.findall(r"^(.+?) +(\d) ", printed(notebook, "own-compare-code"), re.MULTILINE)
    assert answers == [("your network", "7"), ("the package's", "7")]


def mistakes(notebook: Any) -> tuple[list[int], int]:
    """Of the second notebook: held-out digits that each network reads wrongly, and how many there are."""
    text = "".join(output.get("text", "") for output in outputs(notebook))
    found = re.findall(r"^\d [a-z ]+: (\d+) of ([\d,]+) held-out digits wrong", text, re.MULTILINE)
    assert len(found) == 7
    return [int(wrong) for wrong, _ in found], int(found[0][1].replace(",", ""))


def check_better_story(notebook: Any) -> None:
    """What the second notebook's text says is so with any digits."""
    wrong, _ = mistakes(notebook)
    assert wrong[2] < 0.7 * wrong[1]  # other hands are the largest step
    assert wrong[6] < 0.5 * wrong[0]
    apart = [percents(line) for line in printed(notebook, "doubt-temperature-code").splitlines()]
    assert all(after < before for before, after in apart)
    test = [percents(line) for line in printed(notebook, "drawer-code").splitlines() if "%" in line]
    assert len(test) == 7
    assert all(low < accuracy < high for accuracy, low, high in test)
    assert test[6][1] > test[0][2]  # from the first to the last there is no doubt


def check_gan_story(notebook, *, accuracy, ratio):
    """What the GAN's text says."""
    reads, as_meant = (percents(line)[0] for line in printed(notebook, "quality-code").splitlines())
    assert reads > 95
    assert as_meant > accuracy
    training, drawn, copies = map(float, re.findall(r"([\d.]+) times the floor", printed(notebook, "frechet-code")))
    assert training == 1
    assert copies > ratio * drawn  # the same ten drawings again and again: the distance notices


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
def test_every_cell_was_run_once_without_an_error(path):
    notebook = committed(path)
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert [cell.id for cell in cells if not cell.outputs and "def " not in cell.source] == []
    assert pictures(notebook) == PICTURES[path]
    assert not [output for output in outputs(notebook) if output.output_type == "error"]
    assert not [output for output in outputs(notebook) if output.get("name") == "stderr"]
    # Not in pictures, in which any letters may come together by chance.
    texts = [o.get("text", "") for o in outputs(notebook)]
    texts += [v for o in outputs(notebook) for kind, v in o.get("data", {}).items() if kind != "image/png"]
    assert not [text for text in texts if re.search(r"/(work|root|home|tmp|Users|usr|var)/|[A-Z]:\\", text)]
    assert path.stat().st_size < 1_500_000
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert not any(cell.metadata for cell in notebook.cells)


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
def test_a_notebook_links_to_colab(path, tmp_path):
    """As it is where the project is published, and to this file; as text, which needs no network to be seen."""
    first = committed(path).cells[0].source
    assert [line for line in first.splitlines() if "colab" in line] == [link(path.name)]
    assert not [cell.id for cell in committed(path).cells if "![" in cell.source or "<img" in cell.source]
    (tmp_path / "pyproject.toml").write_text('[project]\nurls = { Repository = "https://github.com/somebody/digits/" }')
    published = re.search(r"\((.*)\)", link(path.name, tmp_path / "pyproject.toml"))[1]
    address, there = published.split("/blob/main/")
    assert address == "https://colab.research.google.com/github/somebody/digits"
    assert ROOT / there == path


def test_the_first_notebook_has_the_lines_of_the_tutorial():
    source = "\n".join(cell.source for cell in code_cells(committed(FIRST)))
    assert source.index("import tendigits") < source.index("import keras")
    for line in (
        "(x_train, y_train), (x_test, y_test) = mnist.load_data()",
        'keras.layers.Dense(512, activation="relu")',
        'model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])',
        'keras.callbacks.EarlyStopping(monitor="val_loss", patience=2, restore_best_weights=True)',
        "tendigits.plot_history(history);",
        'keras.models.load_model("model.keras")',
    ):
        assert line in source


def test_the_committed_outputs_are_of_the_whole_mnist() -> None:
    first, better, gan = map(committed, PICTURES)
    assert "(60000, 28, 28)" in printed(first, "load")
    check_first_story(first, accuracy=97)
    wrong, n = mistakes(better)
    assert n == 5000
    assert wrong[0] > 75  # 98.5% at most
    assert wrong[6] < 30  # 99.4% at least, of the held-out digits
    check_better_story(better)
    assert "60,000 digits to learn from, 10,000 to compare with" in printed(gan, "imports")
    check_gan_story(gan, accuracy=97, ratio=10)


@pytest.mark.slow
@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
def test_a_notebook_runs_and_leaves_nothing_behind(path, tmp_path, monkeypatch):
    from execute import execute

    (temporary := tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    done = execute(committed(path), tmp_path, N_DIGITS[path])
    assert pictures(done) == PICTURES[path]
    assert not [output for output in outputs(done) if output.get("name") == "stderr"]
    if path == FIRST:
        assert "(4000, 28, 28)" in printed(done, "load")
        check_first_story(done, accuracy=90)
    elif path == BETTER:
        check_better_story(done)
    else:
        check_gan_story(done, accuracy=50, ratio=1.5)
    assert list((tmp_path / "here").iterdir()) == []
    assert list(temporary.iterdir()) == []
