"""Declares the metrics, one of them with an argument that there is not, and one that nothing sets."""

from prometheus_client import Counter, Gauge

PULLED = Counter("pulled_total", "What was pulled", kinds=["new"])
WAITING = Gauge("waiting", "What waits to be pulled")
