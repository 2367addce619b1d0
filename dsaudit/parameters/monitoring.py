"""The section that says how the integration is watched between two audits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator, model_validator

from dsaudit.parameters.action import joined
from dsaudit.parameters.section import ADDRESS, Misplaced, Names, Section
from dsaudit.wording import did_you_mean

if TYPE_CHECKING:
    from dsaudit.parameters.models import Parameters

Danger = Literal[
    "silence", "latency", "errors", "backlog", "refusals", "syncs",
    "orphans", "leaks", "violations", "inconsistency", "slowness", "other",
]  # fmt: skip


class Exposed(Section):
    """Where the metrics are scraped, as Prometheus does: at `url`, or at what `url_env` holds, with a bearer token.

    `labels` are those that Prometheus adds beside ``job`` and ``instance``, such as ``cluster``, so that rules may name
    them. One answer may take `wait_seconds`.
    """

    url: str | None = Field(None, pattern=ADDRESS)
    url_env: str | None = None
    token_env: str | None = None
    labels: Names = []
    wait_seconds: float = Field(10, gt=0, le=60)

    @model_validator(mode="after")
    def _addressed(self) -> Exposed:
        if bool(self.url) == bool(self.url_env):
            raise ValueError("give its address once, as url or as url_env")
        return self

    @property
    def address(self) -> str:
        """Where the metrics are; raises `SecretMissing` where the variable is not set."""
        return joined(self.url, self.url_env, "")


class Gauged(Section):
    """What a gauge counts: the rows of a resource, or those of them for which the condition `where` holds."""

    resource: str
    where: str = "true"


class Fires(Section):
    """An alert that has to fire when a flow is done again and again, and to end when it is not.

    Times are shortened by the factor `faster`, the rule's `for` and ranges alike: 5 minutes are 5 seconds then. From
    the first flow to the alert, and from the last to its end, it has `wait_seconds` each.
    """

    alert: str
    flow: str
    faster: float = Field(60, ge=1, le=3600)
    wait_seconds: float = Field(60, gt=0, le=600)


class Monitoring(Section):
    """The integration's own alert rules, as Prometheus reads them, and what else lets it be watched.

    `metrics` are those that it exposes beside what `dsaudit monitor` writes, each with the danger that it tells of, or
    ``other``: ``{shop_last_webhook_age_seconds: silence}``; ``{}`` says that there are no others.

    `dashboards` are Grafana's, `tests` those of promtool, `module` is the file of Python that declares the metrics with
    prometheus_client: it is read, and never run. `gauges` says what a gauge counts. Recording what one operation does
    may take `overhead_milliseconds`.
    """

    rules: Names  # files
    metrics: dict[str, Danger] | None = None
    dashboards: Names = []  # files
    tests: Names = []  # files
    exposed: Exposed | None = None
    module: str | None = None  # a file
    gauges: dict[str, Gauged] = {}
    overhead_milliseconds: float = Field(1, gt=0)
    fires: list[Fires] = []

    @field_validator("rules")
    @classmethod
    def _named(cls, rules: list[str]) -> list[str]:
        if not rules:
            raise ValueError("names no file")
        return rules


def mistakes(parameters: Parameters) -> Iterator[Misplaced]:
    """Yield what does not fit together in the section, with where it stands."""
    monitoring = parameters.monitoring
    if monitoring is None:
        return
    for name, gauge in monitoring.gauges.items():
        if gauge.resource not in parameters.resources:
            hint = did_you_mean(gauge.resource, parameters.resources)
            words = f"there is no resource {gauge.resource}" + (f"; {hint}" if hint else "")
            yield Misplaced(("monitoring", "gauges", name, "resource"), words)
    for section in ("gauges", "fires"):
        if getattr(monitoring, section) and monitoring.exposed is None:
            words = "needs `monitoring.exposed`, which says where the metrics are"
            yield Misplaced(("monitoring", section), words)
    flows = getattr(parameters, "flows", None)
    names = [flow.name for flow in flows or []]
    for index, one in enumerate(monitoring.fires):
        if flows is not None and one.flow not in names:
            hint = did_you_mean(one.flow, names, "declare it under `flows`")
            yield Misplaced(("monitoring", "fires", index, "flow"), f"there is no flow {one.flow}; {hint}")
