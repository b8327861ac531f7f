"""What generated lines and pages are written with."""

from pathlib import Path

import matplotlib
import numpy as np
import pytest

from synthesis import hands
from synthesis.fonts import load_fonts
from synthesis.hands import Shapes
from synthesis.patterns import Patterns


@pytest.fixture(scope="session")
def shapes(digits):
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    fonts = load_fonts(sorted(folder.glob("DejaVuS*.ttf")), written=False)
    fonts += load_fonts([folder / "STIXGeneralItalic.ttf"], written=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hands, "N_SHAPES", 40)  # drawings of each character, and of words: a second instead of ten
        patch.setattr(hands, "WORDS", 40)
        return Shapes(digits.x_train, digits.y_train, fonts, np.random.default_rng(0))


@pytest.fixture(scope="session")
def patterns():
    return Patterns(np.random.default_rng(0), n=12)
