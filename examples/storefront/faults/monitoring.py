"""Faults of the alert rules: a danger that no rule watches, a rule on a metric that nothing exposes."""

import re
from random import Random
from typing import TYPE_CHECKING

from examples.answer_key import Expected, Planted
from examples.control import SampleError
from examples.editing import replaced

if TYPE_CHECKING:
    from pathlib import Path

    from ..sample import Sample

RULES = "monitoring/alerts.yml"
ALERTS = {  # each danger's alert, and a metric that it names
    "ShopifyLate": ("latency", "integration_latency_p95_seconds"),
    "ShopifyRefinementFails": ("errors", "integration_failed_refinements_ratio"),
    "ShopifyRefinementStuck": ("backlog", "integration_refinement_backlog_seconds"),
    "ShopifyDeliveriesRefused": ("refusals", "integration_refused_deliveries_ratio"),
}


def alert_rule_removed(sample: "Sample", random: Random) -> Planted:
    """Somebody takes out the rule that woke him too often."""
    alert = random.choice(list(ALERTS))
    path = _rules(sample)
    text = path.read_text(encoding="utf-8")
    rule = re.search(rf"  - alert: {alert}\n(?:    .*\n)+", text)
    if rule is None:
        raise SampleError(f"{RULES} has no alert {alert}: the sample and its fault differ")
    path.write_text(text.replace(rule[0], ""), encoding="utf-8")
    unwatched = Expected("monitoring_rules_cover_every_danger", keys=[ALERTS[alert][0]])
    return Planted("alert_rule_removed", mode=0, how="caused", must=[unwatched])


def alert_on_nothing(sample: "Sample", random: Random) -> Planted:
    """A rule names its metric as it was called before: it never fires again."""
    alert = random.choice(list(ALERTS))
    danger, metric = ALERTS[alert]
    replaced(_rules(sample), metric, metric.replace("integration_", "shopify_"))
    must = [
        Expected("monitoring_rules_name_known_metrics", keys=[alert]),
        Expected("monitoring_rules_cover_every_danger", keys=[danger]),
    ]
    return Planted("alert_on_nothing", mode=0, how="caused", must=must)


def _rules(sample: "Sample") -> "Path":
    return sample.code / RULES
