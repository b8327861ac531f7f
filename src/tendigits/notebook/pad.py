"""A drawing pad in a notebook, read by a network while the pen moves.

pad = tendigits.Pad()                   # or Pad(model), Pad("runs/first"), Pad(trained), Pad(reader)
pad                                     # the last line of a cell shows it
pad.digit, pad.image, pad.page          # in the next cell: what was read
pad.observe(print, "digit")             # at each reading
"""

import asyncio
import threading
from contextlib import suppress
from itertools import count
from typing import Any

import anywidget
import numpy as np
import traitlets
from numpy.typing import NDArray

from tendigits.batch.worker import as_page
from tendigits.data.preprocess import FIELD
from tendigits.digits.find import find_digit
from tendigits.digits.layers import ShowLayers, encode
from tendigits.errors import reason_of
from tendigits.read.page import Page
from tendigits.read.reader import Reader
from tendigits.read.results import Digit
from tendigits.serve.schemas import with_pictures
from tendigits.web.pages import as_module, draw_view, join_modules, text_of

BLANK = np.zeros((FIELD, FIELD), np.uint8)


def _script() -> str:
    """The widget as one JavaScript module without imports, with the HTML and the styles of the server's page."""
    page = {
        "html": draw_view("Draw a digit or a number"),
        "styles": text_of("page/style.css") + text_of("notebook/pad.css"),
    }
    return "export default " + join_modules("notebook/pad.js", {"notebook/page.js": as_module("page", page)})


class Pad(anywidget.AnyWidget):
    """A pad to draw a digit or a number on; a network reads it while the pen moves, and shows its layers."""

    _esm = _script()

    # The drawing, read as one digit; None if nothing is drawn, or it could not be read.
    digit = traitlets.Instance(Digit, allow_none=True)
    # The drawing, read as a page: the digit if it is clearly one, else the numbers on it.
    page = traitlets.Instance(Page, allow_none=True)
    drawing = traitlets.CBytes().tag(sync=True, echo_update=False)  # as a PNG; empty if nothing is drawn
    # The strokes of the pen, [x, y] for each point, for other views of this pad.
    _strokes: traitlets.List[Any] = traitlets.List().tag(sync=True, echo_update=False)
    # What is shown next to the drawing: {digit, numbers, layers, not_shown} with the fields of the server's API, or
    # {error}. A `serial` makes each answer different, so that the widget is always notified.
    _answer = traitlets.Dict().tag(sync=True)

    def __init__(self, model: Any = None) -> None:
        """Open the networks.

        Args:
            model: what a `Reader` takes (None for the package's network, a run's folder, a model file, a Keras model,
                what `run_recipe` returned), or a `Reader`.

        Raises:
            TendigitsError: where `Reader` does.
        """
        self.reader = model if isinstance(model, Reader) else Reader(model)
        self._serials = count()
        self._is_waiting = False
        self._loop: asyncio.AbstractEventLoop | None = None  # the kernel's, in whose thread cells run
        with suppress(RuntimeError):  # outside of a notebook
            self._loop = asyncio.get_running_loop()
        self._layers, self._not_shown = _open_layers(self.reader)
        super().__init__(_answer=self._answered(None, None))

    @property
    def image(self) -> NDArray[np.uint8] | None:
        """The network's input, uint8 (28, 28), white on black; None as for `digit`."""
        return None if self.digit is None else self.digit.crop

    def __repr__(self) -> str:
        return f"Pad({'nothing is drawn' if self.digit is None else self.digit.text()})"

    @traitlets.observe("_strokes")
    def _drawn(self, _: Any) -> None:
        """Read a new drawing, which arrives together with its strokes.

        JupyterLab and ipykernel 7 deliver it in another thread than that of the cells, one of which may be training the
        network; using the network meanwhile would end the training. So the newest drawing is read between cells.
        """
        if self._loop is None or threading.current_thread() is threading.main_thread():
            self._read()
        elif not self._is_waiting:
            self._is_waiting = True
            self._loop.call_soon_threadsafe(self._read)

    def _read(self) -> None:
        self._is_waiting = False
        digit, page = None, None
        try:
            if self.drawing:
                digit, page = self._reading()
            answer = self._answered(digit, page)
        except Exception as error:  # a model may raise anything; the pad shows it in one line
            digit, page = None, None
            answer = {"serial": next(self._serials), "error": reason_of(error) or type(error).__name__}
        self._answer = answer
        with self.hold_trait_notifications():
            self.digit, self.page = digit, page

    def _reading(self) -> tuple[Digit, Page]:
        """The drawing as one digit, and as a page: of that digit, or of numbers if it isn't clearly one digit."""
        found = find_digit(self.drawing)
        (digit,) = self.reader.classify_found([found])
        is_clear = digit.accepted or digit.reason == "no digit"
        return digit, as_page(digit, found.size) if is_clear else self.reader.read(self.drawing)

    def _answered(self, digit: Digit | None, page: Page | None) -> dict[str, Any]:
        layers = self._layers(BLANK if digit is None else digit.crop)
        numbers = [number for number in page.numbers if number.digit is None] if page else []
        return {
            "serial": next(self._serials),
            "digit": digit and digit.as_dict() | {"crop": encode(digit.crop)},
            "numbers": [with_pictures(number) for number in numbers],
            "layers": [layer.as_dict() for layer in layers],
            "not_shown": self._not_shown,
        }


def _open_layers(reader: Reader) -> tuple[ShowLayers, str | None]:
    """What shows the layers of a reader's network, or nothing and the reason: layers are optional."""
    try:
        if reader.network.open_layers is not None:
            return reader.network.open_layers(), None
        reason = "this network gives only its answers"
    except Exception as error:  # Keras raises nearly every class
        reason = reason_of(error)
    return lambda _: [], reason
