"""Rectangles in pictures.

box = Box(10, 20, 40, 60).join(Box(35, 20, 70, 60))
"""

from typing import NamedTuple


class Box(NamedTuple):
    """A rectangle in pixels; right and bottom are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """In pixels."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """In pixels."""
        return self.bottom - self.top

    def join(self, other: "Box") -> "Box":
        """The smallest box around both."""
        return Box(*map(min, self[:2], other[:2]), *map(max, self[2:], other[2:]))

    def turned(self, turns: int, size: tuple[int, int]) -> "Box":
        """The box before `turns` quarter turns to the left; `size` is the turned picture's (width, height)."""
        left, top, right, bottom = self
        for _ in range(turns % 4):
            left, top, right, bottom = size[1] - bottom, left, size[1] - top, right
            size = size[1], size[0]
        return Box(left, top, right, bottom)

    def gap(self, other: "Box") -> int:
        """The larger of the horizontal and the vertical distance of both boxes, in pixels; 0 or less if they touch."""
        across = max(self.left, other.left) - min(self.right, other.right)
        down = max(self.top, other.top) - min(self.bottom, other.bottom)
        return max(across, down)

    def scaled(self, scale: float) -> "Box":
        """The same place in a picture that is `scale` times as large."""
        return Box(*(round(edge * scale) for edge in self))
