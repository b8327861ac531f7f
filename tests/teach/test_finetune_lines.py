"""Fine-tuning of the line network: what it is taught at each place, and that it learns and keeps."""

import numpy as np
import pytest

from helpers import strip_of
from tendigits.data.preprocess import standardize
from tendigits.numbers.decode import CLASSES, HEIGHT, NONE, decode, strip_text
from tendigits.numbers.network import NumberNetwork, bundled, bundled_file
from tendigits.numbers.strips import inner_columns
from tendigits.teach import finetune_lines as module
from tendigits.teach.finetune_lines import LineTrainingSet, fine_tune_lines
from tendigits.teach.rehearsal import generated_lines


def test_corrections_are_taught_and_everything_else_stays():
    """The targets of a strip, read like an output, show the corrected text; those of a rehearsed line the old one."""
    strip, other = strip_of("1350"), strip_of("42.99")
    x, y = module._training_data(bundled(1), LineTrainingSet([strip], ["7350"], [other]), np.random.default_rng(0))
    assert (x.shape[1:], y.shape[1:]) == ((HEIGHT, 256, 1), (128, NONE + 6))
    shares, weight, edges = y[..., : NONE + 1], y[..., NONE + 1], y[..., NONE + 2 :]
    np.testing.assert_allclose(shares.sum(axis=-1), 1, atol=1e-5)
    assert set(np.unique(weight)) == {0, 1}
    said = np.concatenate([np.log(shares + 1e-9), edges], axis=-1)
    texts = "".join(peak.label for row in said for peak in decode(row)[0] if peak.present > 0.5)
    assert texts.count("7350") >= 1
    assert texts.count("42.99") == module.REHEARSED_COPIES
    row, left = next(
        (row, left) for row in range(len(x)) for left in range(0, 256, 4)
        if np.array_equal(x[row, :, left : left + other.shape[1], 0], standardize(other))
    )  # fmt: skip
    output = bundled(1)([other])[0][:, : NONE + 1]
    expected = np.exp(output - output.max(axis=1, keepdims=True))
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(shares[row, left // 2 : left // 2 + len(expected)], expected, atol=0.05)  # its edges


def test_where_there_is_no_number_nothing_is_taught_to_stand():
    strip = strip_of("77")
    _, y = module._training_data(bundled(1), LineTrainingSet([strip], [""], []), np.random.default_rng(0))
    assert y[..., :NONE].max() < 0.5


def test_copies_differ_and_their_boxes_move_with_them():
    strip = strip_of("1350")
    one = module._labelled(strip, bundled(1)([strip])[0], "1350")
    rng = np.random.default_rng(0)
    for each in module._copies(one, 8, rng)[1:]:
        assert each.picture.shape[1] % 4 == 0
        (output,) = bundled(1)([each.picture])
        found = [peak for peak in decode(output)[0] if peak.label.isdigit()]
        assert "".join(peak.label for peak in found) == "1350"
        np.testing.assert_allclose(each.boxes, [peak.box for peak in found], atol=4)


@pytest.mark.slow
def test_a_strip_is_read_as_corrected_and_generated_lines_as_before(monkeypatch):
    monkeypatch.setattr(module, "REHEARSED_COPIES", 2)
    lines = generated_lines()
    strip = strip_of("1350")
    training = LineTrainingSet([strip], ["7850"], lines.rehearsed)
    data = fine_tune_lines(bundled_file(), training)
    network = NumberNetwork(data)
    assert network.about == bundled(1).about
    assert strip_text(network([strip])[0], *inner_columns(strip)) == "7850"
    before, after = (
        np.mean([strip_text(output) == text for output, text in zip(each(lines.held_out), lines.texts, strict=True)])
        for each in (bundled(1), network)
    )
    assert after > before - 0.03
    assert fine_tune_lines(bundled_file(), training) == data, "it is reproducible"
    assert len(data) < 1.1 * len(bundled_file())
    assert "|" in CLASSES
