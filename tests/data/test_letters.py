import numpy as np
import pytest

from tendigits.data import letters
from tendigits.data.letters import LETTERS, draw_letter
from tendigits.data.strokes import FIELD, draw


@pytest.mark.parametrize("number", range(len(LETTERS)))
def test_every_letter_is_ink_in_its_field(number):
    ink = draw(LETTERS[number], np.random.default_rng(0))
    assert ink.shape == (FIELD, FIELD)
    assert ink.dtype == np.uint8
    assert 0.005 < (ink > 100).mean() < 0.5
    assert all(0 <= v <= 1 for stroke in LETTERS[number] for point in stroke for v in point)


def test_another_seed_another_letter(monkeypatch):
    drawn = {draw_letter(np.random.default_rng(seed)).tobytes() for seed in range(20)}
    assert len(drawn) == 20
    monkeypatch.setattr(letters, "LETTERS", LETTERS[:1])
    assert draw_letter(np.random.default_rng(1)).tobytes() == draw_letter(np.random.default_rng(1)).tobytes()
