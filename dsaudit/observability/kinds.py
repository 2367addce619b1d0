"""Of which kind a metric is, as what exposes it says, or else by the endings that Prometheus gives names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["counter", "gauge", "bucket", "histogram", "summary", "unknown"]

OF_TARGETS = frozenset({"job", "instance", "namespace", "cluster", "environment", "env"})  # whose series they are
OFTEN_ADDED = OF_TARGETS | {"pod", "container", "node", "service", "endpoint", "region", "zone"}  # by what scrapes them


@dataclass(frozen=True)
class Kinds:
    """What is known of metrics: kind by name, the labels of those that have series, and where the last bucket ends.

    Each may be empty; `added` are labels that any series may have besides, as Prometheus adds them.
    """

    told: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, frozenset[str]] = field(default_factory=dict)
    last_buckets: Mapping[str, float] = field(default_factory=dict)
    added: frozenset[str] = OFTEN_ADDED

    def kind(self, name: str) -> Kind:
        """Return the kind of a metric."""
        told = self.told.get(name)
        if told == "counter" or told == "gauge":
            return "counter" if told == "counter" else "gauge"
        if name.endswith("_bucket"):
            return "bucket"
        return "counter" if name.endswith("_total") and told is None and ":" not in name else "unknown"
