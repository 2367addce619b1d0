"""The metrics that watch an integration between two audits, and the limits beyond which each of them alarms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from dsaudit.checks import all_checks, is_declared, plan_check
from dsaudit.checks.planning import WAYS_IN
from dsaudit.monitoring.queries import Queries, tells_tenants
from dsaudit.parameters import Parameters
from dsaudit.parameters.models import Policy
from dsaudit.parameters.monitoring import Danger
from dsaudit.wording import span


@dataclass(frozen=True)
class Metric:
    """A gauge and the alert on it: what it measures, the limit, and what to look at when it is beyond.

    ``needs`` are ways in as a check names them, ``having`` is what at least one resource has to declare.
    """

    name: str
    danger: Danger
    help: str
    query: Callable[[Queries], str]
    labels: tuple[str, ...]
    unit: Literal["seconds", "ratio"]
    limit: Callable[[Policy], float]
    needs: tuple[str, ...]
    alert: str
    severity: Literal["warning", "critical"]
    summary: str  # {value} and {limit} stand for theirs
    look: str
    checks: tuple[str, ...]  # that tell more of it
    having: Literal["", "webhooks", "sync"] = ""

    def told(self, value: float) -> str:
        """Return a value of it in words."""
        if value != value:
            return "nothing to measure"
        if value == float("inf"):
            return "never"
        return span(value) if self.unit == "seconds" else f"{100 * value:.4g} %"

    def runnable(self, parameters: Parameters) -> list[str]:
        """Return those of its checks that the file gives something to run on."""
        known = all_checks()
        return [name for name in self.checks if plan_check(known[name], parameters).skipped is None]


# fmt: off
METRICS = (
    Metric("integration_ingest_age_seconds", "silence",
           "Seconds since the last raw record was received, by whatever way.",
           Queries.ingest_age, ("tenant",), "seconds", lambda policy: policy.silence_seconds, ("raw",),
           "IntegrationIngestSilent", "critical",
           "{tenant}: nothing was received for {value}; declared is {limit}",
           "whether receiver, worker and sync run, and whether the provider still accepts the token",
           ("ingest_is_current", "every_way_delivers")),
    Metric("integration_webhook_age_seconds", "silence",
           "Seconds since the last webhook was received and accepted.",
           Queries.webhook_age, ("tenant",), "seconds", lambda policy: policy.silence_seconds,
           ("deliveries or raw.columns.via",),
           "IntegrationWebhooksSilent", "critical",
           "{tenant}: no webhook was accepted for {value}; declared is {limit}",
           "whether the provider still has the subscriptions, and whether their address answers",
           ("wanted_topics_are_registered", "webhook_addresses_right", "webhooks_arrive"), having="webhooks"),
    Metric("integration_latency_p95_seconds", "latency",
           "Seconds from the change to the refined row of 95 of 100 changes that came by webhook in the last hour.",
           Queries.latency, ("resource",), "seconds",
           lambda policy: policy.latency_seconds + policy.clock_error_seconds,  # the clocks may be so far apart
           ("raw.columns.changed_at or raw.columns.observed_at", "raw.columns.refined_at", "raw.columns.via"),
           "IntegrationChangesLate", "warning",
           "{resource}: of 100 changes of the last hour 5 took longer than {value}; declared is {limit}",
           "at phase 6, which hop is slow: the provider's sending, the receiver's answer, or the refinement",
           ("latency_within_limit",), having="webhooks"),
    Metric("integration_failed_refinements_ratio", "errors",
           "Share of the raw records received in the last 24 hours whose refinement failed.",
           Queries.failed_refinements, ("tenant",), "ratio", lambda policy: policy.refine_error_percent / 100,
           ("raw.columns.state",),
           "IntegrationRefinementsFail", "warning",
           "{tenant}: of what was received in 24 hours, {value} could not be refined; declared is {limit}",
           "at the classes of error messages, and at what was released last",
           ("failed_refinements",)),
    Metric("integration_refinement_backlog_seconds", "backlog",
           "Seconds that the oldest raw record has waited for its refinement.",
           Queries.refinement_backlog, ("tenant",), "seconds", lambda policy: policy.backlog_seconds,
           ("raw.columns.state",),
           "IntegrationRefinementStuck", "critical",
           "{tenant}: a raw record has waited for its refinement for {value}; declared is {limit}",
           "whether the refining worker runs, and what it is held up by",
           ("refinement_backlog",)),
    Metric("integration_refused_deliveries_ratio", "refusals",
           "Share of the last hour's webhook deliveries that were not accepted.",
           Queries.refused_deliveries, (), "ratio", lambda policy: (100 - policy.delivery_success_percent) / 100,
           ("deliveries.columns.outcome",),
           "IntegrationDeliveriesRefused", "critical",
           "{value} of the last hour's deliveries were not accepted; declared is {limit}",
           "at the receiver's log, and whether both sides have the same webhook secret",
           ("deliveries_succeed", "signature_verified_in_code")),
    Metric("integration_sync_age_seconds", "syncs",
           "Seconds since the last sync ended without an error.",
           Queries.sync_age, ("tenant", "resource"), "seconds", lambda policy: policy.sync_age_days * 86400, ("syncs",),
           "IntegrationSyncOverdue", "warning",
           "{tenant}: the last good sync of {resource} ended {value} ago; declared is {limit}",
           "at the schedule of the sync, and at the error of its last run",
           ("last_sync_is_recent", "last_sync_completed"), having="sync"),
)
# fmt: on


def measured(parameters: Parameters) -> list[Metric]:
    """Return the metrics that the file gives all that their queries need."""
    return [metric for metric in METRICS if why_not(metric, parameters) is None]


def why_not(metric: Metric, parameters: Parameters) -> str | None:
    """Return why a metric cannot be measured, None where it can."""
    for needed in metric.needs:
        ways = needed.split(" or ")
        if not any(is_declared(parameters, way) and _tells(metric, parameters, way) for way in ways):
            return f"the file has no {' or '.join(WAYS_IN.get(way, way) for way in ways)}"
    having = metric.having
    if having and not any(getattr(one, having) for one in parameters.resources.values()):
        return f"no resource declares {having}"
    return None


def _tells(metric: Metric, parameters: Parameters, way: str) -> bool:
    """Return whether the table of a way in tells whose its rows are, where that is asked."""
    table = getattr(parameters, way.partition(".")[0])
    return not metric.labels or tells_tenants(parameters, table)
