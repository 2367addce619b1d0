"""Offers what was read last to Prometheus: at an address of this machine, or in a file for the node exporter."""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, start_http_server, write_to_textfile
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from dsaudit.monitoring.reading import Reading
from dsaudit.monitoring.writing import MonitoringError

ADDRESS = "an address of this machine alone is expected, such as 127.0.0.1:9108"


class Latest(Collector):
    """Holds the last reading for those who ask; what was unknown in it is left out, so that no value is made up."""

    def __init__(self, integration: str) -> None:
        self.reading: Reading | None = None
        self.registry = CollectorRegistry()
        self._own = [integration]
        self.registry.register(self)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the metrics in the form of the exporter that `dsaudit monitor --to` writes for."""
        reading = self.reading
        if reading is None:
            return
        yield self._gauge("integration_up", "Whether the database could be read (1) or not (0).", not reading.away)
        when = "When the database was asked, in seconds since 1970."
        yield self._gauge("integration_read_timestamp_seconds", when, reading.time.timestamp())
        for metric, values in reading.values.items():
            family = GaugeMetricFamily(metric.name, metric.help, labels=["integration", *metric.labels])
            for labels, value in values.items():
                family.add_metric([*self._own, *labels], value)
            yield family

    def _gauge(self, name: str, means: str, value: float) -> GaugeMetricFamily:
        family = GaugeMetricFamily(name, means, labels=["integration"])
        family.add_metric(self._own, value)
        return family


@contextlib.contextmanager
def served(latest: Latest, address: str) -> Iterator[str]:
    """Serve the metrics at a loopback address, such as ``127.0.0.1:9108``, and yield the URL; port 0 takes a free one.

    Raises
    ------
    MonitoringError
        It is no such address, or it is taken.
    """
    host, _, port = address.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    if not (port.isdecimal() and int(port) < 1 << 16 and _is_loopback(bare)):
        raise MonitoringError(f"--listen {address}: {ADDRESS}")
    try:
        server, thread = start_http_server(int(port), bare, latest.registry)
    except OSError as error:
        raise MonitoringError(f"--listen {address}: {error.strerror}") from None
    try:
        yield f"http://{host}:{server.server_port}/metrics"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _is_loopback(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def put(latest: Latest, path: Path) -> None:
    """Write the metrics to a file, whole or not at all.

    Raises
    ------
    MonitoringError
        It cannot be written.
    """
    try:
        write_to_textfile(str(path), latest.registry)
    except OSError as error:
        raise MonitoringError(f"--textfile {path}: {error.strerror}") from None
