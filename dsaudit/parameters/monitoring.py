"""The section that says how the integration is watched between two audits."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator

from dsaudit.parameters.section import Names, Section

Danger = Literal[
    "silence", "latency", "errors", "backlog", "refusals", "syncs",
    "orphans", "leaks", "violations", "inconsistency", "slowness", "other",
]  # fmt: skip


class Monitoring(Section):
    """The integration's own alert rules, as Prometheus reads them.

    `metrics` are those that it exposes beside what `dsaudit monitor` writes, each with the danger that it tells of, or
    ``other``: ``{shop_last_webhook_age_seconds: silence}``; ``{}`` says that there are no others.
    """

    rules: Names  # files
    metrics: dict[str, Danger] | None = None

    @field_validator("rules")
    @classmethod
    def _named(cls, rules: list[str]) -> list[str]:
        if not rules:
            raise ValueError("names no file")
        return rules
