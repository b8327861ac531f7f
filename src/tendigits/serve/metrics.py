"""What /metrics tells Prometheus."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
"""Seconds: a digit takes a few thousandths, a photo a few tenths."""


class Metrics:
    """The counters of one application."""

    def __init__(self, load: Callable[[], int], corrections: Callable[[], int]) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "tendigits_requests", "Requests that were answered.", ("route", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "tendigits_request_seconds", "From the request to its answer.", ("route",), buckets=BUCKETS,
            registry=self._registry,
        )  # fmt: skip
        self.digits = Counter("tendigits_digits", "Digits that were read.", ("accepted",), registry=self._registry)
        Gauge("tendigits_load", "Readings that are done or wait.", registry=self._registry).set_function(load)
        Gauge("tendigits_corrections", "In the store.", registry=self._registry).set_function(corrections)

    def watch(self, route: str, status: int, seconds: float) -> None:
        """A request was answered."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self._registry)
