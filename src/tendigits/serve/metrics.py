"""Counters and histograms for Prometheus, served by /metrics."""

from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
"""Upper bounds in seconds: a digit takes a few milliseconds, a photo a few tenths of a second."""


class Metrics:
    """The metrics of one application."""

    def __init__(self, load: Callable[[], int], corrections: Callable[[], float]) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "tendigits_requests", "Answered requests.", ("route", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "tendigits_request_seconds", "Seconds from request to response.", ("route",), buckets=BUCKETS,
            registry=self.registry,
        )  # fmt: skip
        numbers = Counter("tendigits_numbers", "Numbers and single digits read.", ("accepted",), registry=self.registry)
        self._accepted, self._rejected = numbers.labels("yes"), numbers.labels("no")
        Gauge("tendigits_load", "Pictures being read or waiting.", registry=self.registry).set_function(load)
        Gauge("tendigits_corrections", "Corrections in the store.", registry=self.registry).set_function(corrections)

    def observe(self, route: str, status: int, seconds: float) -> None:
        """Count an answered request."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def count(self, accepted: Sequence[bool]) -> None:
        """Count what was read: whether each was accepted."""
        self._accepted.inc(sum(accepted))
        self._rejected.inc(len(accepted) - sum(accepted))
