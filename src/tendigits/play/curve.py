"""How loss and accuracy have changed, in at most a few hundred points, however long it has learned.

curve = Curve()
curve.learned(0.1, loss=2.1, accuracy=0.3)
curve.tested(1.0, loss=0.3, accuracy=0.91)
curve.as_dict()
"""

Point = tuple[float, float, float]
"""Epochs, loss, accuracy."""

MAX_POINTS = 240
"""Of a line: a chart is 460 pixels wide. Then every second one is left out, and the next ones are means of two, of
four, and so on."""

PLACES = 5
"""Decimal places that are sent; a chart shows fewer."""


class Curve:
    """Two lines: while learning, on the training digits with dropout and noise, and on the test digits."""

    def __init__(self) -> None:
        self.training, self.test = _Line(), _Line()

    def learned(self, epochs: float, loss: float, accuracy: float) -> None:
        """Add the mean over some training steps."""
        self.training.add((epochs, loss, accuracy))

    def tested(self, epochs: float, loss: float, accuracy: float) -> None:
        """Add a result on the test digits."""
        self.test.add((epochs, loss, accuracy))

    def as_dict(self) -> dict[str, list[Point]]:
        """Both lines, for JSON."""
        return {"training": self.training.points, "test": self.test.points}


class _Line:
    """Points whose number is bounded: each stands for `every` of those that were added; the newest is always there."""

    def __init__(self) -> None:
        self._kept: list[Point] = []
        self._open: list[Point] = []
        self._every = 1

    @property
    def points(self) -> list[Point]:
        found = [*self._kept, *([_mean(self._open)] if self._open else [])]
        return [
            (round(epochs, PLACES), round(loss, PLACES), round(accuracy, PLACES)) for epochs, loss, accuracy in found
        ]

    def add(self, point: Point) -> None:
        self._open.append(point)
        if len(self._open) < self._every:
            return
        self._kept.append(_mean(self._open))
        self._open = []
        if len(self._kept) >= MAX_POINTS:
            self._kept = [_mean(list(pair)) for pair in zip(self._kept[::2], self._kept[1::2], strict=True)]
            self._every *= 2


def _mean(points: list[Point]) -> Point:
    """At the place of the last, the mean of their values."""
    _, losses, accuracies = zip(*points, strict=True)
    return points[-1][0], sum(losses) / len(points), sum(accuracies) / len(points)
