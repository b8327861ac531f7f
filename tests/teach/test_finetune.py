"""Fine-tuning of the network for numbers: its training data, and that it learns without forgetting."""

from itertools import product

import numpy as np
import pytest

from drawing import strip_of
from tendigits.data.preprocess import standardize
from tendigits.digits.network import softmax
from tendigits.numbers.decode import HEIGHT, NONE, decode, strip_text
from tendigits.numbers.network import NumberNetwork, bundled, bundled_file
from tendigits.numbers.strips import inner_columns
from tendigits.teach import finetune as module
from tendigits.teach.finetune import copies, fine_tune_numbers, label_strip, number_data
from tendigits.teach.verify import generated_numbers


def test_targets_are_the_corrected_text_and_the_networks_own_predictions_elsewhere():
    strip, other = strip_of("1350"), strip_of("42.99")
    x, y = number_data(bundled(1), [strip], ["7350"], [other], np.random.default_rng(0))
    assert (x.shape[1:], y.shape[1:]) == ((HEIGHT, 256, 1), (128, NONE + 6))
    probabilities, weight, edges = y[..., : NONE + 1], y[..., NONE + 1], y[..., NONE + 2 :]
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1, atol=1e-5)
    assert set(np.unique(weight)) == {0, 1}
    outputs = np.concatenate([np.log(probabilities + 1e-9), edges], axis=-1)
    texts = "".join(peak.label for output in outputs for peak in decode(output)[0] if peak.present > 0.5)
    assert texts.count("7350") >= 1
    assert texts.count("42.99") == module.REHEARSED_COPIES
    places = product(range(len(x)), range(0, 256, 4))
    shown, width = standardize(other), other.shape[1]
    row, left = next((i, j) for i, j in places if np.array_equal(x[i, :, j : j + width, 0], shown))
    expected = softmax(bundled(1)([other])[0][:, : NONE + 1])
    np.testing.assert_allclose(probabilities[row, left // 2 : left // 2 + len(expected)], expected, atol=0.05)


def test_the_boxes_of_copies_lie_on_their_characters():
    strip = strip_of("1350")
    labelled = label_strip(strip, bundled(1)([strip])[0], "1350")
    for copy in copies(labelled, 8, np.random.default_rng(0))[1:]:
        assert copy.picture.shape[1] % 4 == 0
        (output,) = bundled(1)([copy.picture])
        found = [peak for peak in decode(output)[0] if peak.label.isdigit()]
        assert "".join(peak.label for peak in found) == "1350"
        np.testing.assert_allclose(copy.boxes, [peak.box for peak in found], atol=4)


@pytest.mark.slow
def test_a_strip_is_read_as_corrected_and_training_is_reproducible():
    strip = strip_of("1350")
    training = [strip], ["7850"], generated_numbers().rehearsed[::2]
    data = fine_tune_numbers(bundled_file(), *training)
    network = NumberNetwork(data)
    assert network.about == bundled(1).about
    assert strip_text(network([strip])[0], *inner_columns(strip)) == "7850"
    assert fine_tune_numbers(bundled_file(), *training) == data
    assert len(data) < 1.1 * len(bundled_file())
