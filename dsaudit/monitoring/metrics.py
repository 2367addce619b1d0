"""The metrics that watch an integration between two audits, and which of them a parameter file gives all for."""

from __future__ import annotations

from dsaudit.checks import is_declared
from dsaudit.checks.planning import WAYS_IN
from dsaudit.monitoring.integrity import BLUEPRINT, INTEGRITY
from dsaudit.monitoring.metric import Metric
from dsaudit.monitoring.queries import Queries, tells_tenants
from dsaudit.parameters import Parameters

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
ALL = (*METRICS, *INTEGRITY)


def measured(parameters: Parameters) -> list[Metric]:
    """Return the metrics that the file gives all that their queries need."""
    return [metric for metric in ALL if why_not(metric, parameters) is None]


def lacking(parameters: Parameters) -> list[str]:
    """Return in words which metrics that the file's blueprints ask for cannot be measured, and why."""
    has_others = {*parameters.blueprints} != {BLUEPRINT}
    asked = [one for one in ALL if (one.blueprint in parameters.blueprints if one.blueprint else has_others)]
    reasons = {one.name: why_not(one, parameters) for one in asked}
    return [f"not measured: {name}, as {reason}" for name, reason in reasons.items() if reason]


def why_not(metric: Metric, parameters: Parameters) -> str | None:
    """Return why a metric cannot be measured, None where it can."""
    if metric.blueprint and metric.blueprint not in parameters.blueprints:
        return f"the file's blueprints have no {metric.blueprint}"
    for needed in metric.needs:
        ways = needed.split(" or ")
        if not any(is_declared(parameters, way) and _tells(metric, parameters, way) for way in ways):
            return f"the file has no {' or '.join(WAYS_IN.get(way, way) for way in ways)}"
    having = metric.having
    if having and not any(getattr(one, having) for one in parameters.resources.values()):
        return f"no resource declares {having}"
    return metric.lacks(parameters) or None


def _tells(metric: Metric, parameters: Parameters, way: str) -> bool:
    """Return whether the table of a way in tells whose its rows are, where that is asked."""
    table = getattr(parameters, way.partition(".")[0])
    return not metric.labels or tells_tenants(parameters, table)
