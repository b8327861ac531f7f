"""A curve of any length in few points, of which none is invented."""

import pytest

from tendigits.play.curve import MAX_POINTS, Curve


@pytest.mark.parametrize("n", [0, 1, MAX_POINTS - 1, MAX_POINTS, 10_007])
def test_points_are_bounded_in_order_and_means(n):
    curve = Curve()
    for i in range(n):
        curve.learned(i / 10, loss=float(i), accuracy=0.5)
    points = curve.as_dict()["training"]
    assert len(points) <= min(n, MAX_POINTS)
    assert points == sorted(points)
    if n:
        assert points[-1][0] == pytest.approx((n - 1) / 10)  # the newest is there
        assert points[0][1] == pytest.approx((len([i for i in range(n) if i / 10 <= points[0][0]]) - 1) / 2)
        assert {accuracy for _, _, accuracy in points} == {0.5}
    assert curve.as_dict()["test"] == []


def test_a_long_curve_keeps_its_shape():
    curve = Curve()
    for i in range(5000):
        curve.tested(i, loss=1 / (1 + i), accuracy=i / 5000)
    points = curve.as_dict()["test"]
    assert points[0][1] > points[-1][1]
    assert points[-1][2] > 0.99
    assert len(points) > MAX_POINTS / 2 - 1
