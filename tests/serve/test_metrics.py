"""Metrics in Prometheus' text format; each application counts for itself."""

from tendigits.serve.metrics import Metrics


def test_metrics_are_counted_for_each_application():
    metrics, other = Metrics(lambda: 3, lambda: 7), Metrics(lambda: 0, lambda: 0)
    metrics.observe("/v1/read", 200, 0.004)
    metrics.observe("/v1/read", 415, 0.2)
    metrics.digits.labels("yes").inc(5)
    lines = metrics.text().decode().splitlines()
    for line in (
        'tendigits_requests_total{route="/v1/read",status="200"} 1.0',
        'tendigits_requests_total{route="/v1/read",status="415"} 1.0',
        'tendigits_request_seconds_bucket{le="0.005",route="/v1/read"} 1.0',
        'tendigits_request_seconds_count{route="/v1/read"} 2.0',
        'tendigits_digits_total{accepted="yes"} 5.0',
        "tendigits_load 3.0",
        "tendigits_corrections 7.0",
    ):
        assert line in lines
    assert 'accepted="yes"' not in other.text().decode()
