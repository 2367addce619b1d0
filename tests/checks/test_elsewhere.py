"""A topic that is registered to another address than ours is shown as what it is, and not counted as covered."""

from __future__ import annotations

from collections.abc import Callable

from dsaudit import plots
from dsaudit.documents.webhook_analysis import webhook_analysis
from dsaudit.verdict import Status
from tests.checks.auditing import opened, verdicts
from tests.checks.test_webhooks import ADDRESS, ENDINGS, subscribed
from tests.ledger import Ledger


def test_what_goes_to_another_address_is_not_covered(new_ledger: Callable[..., Ledger]) -> None:
    """It is registered, so that only the check of the addresses fails, and is shown as what it is."""
    ledger = new_ledger()
    topics = ["member.updated", *(f"invoice.{one}" for one in ENDINGS)]
    subscribed(
        ledger,
        *({"topic": one, "address": ADDRESS} for one in [*topics, "member.created"]),
        *({"topic": one, "address": "https://old.example/hooks"} for one in ("member.removed", "member.created")),
    )
    checks = ["wanted_topics_are_registered", "webhook_addresses_right"]
    found = verdicts(ledger.parameters, ledger.environment, checks)
    assert [found[one].status for one in checks] == [Status.PASS, Status.FAIL]
    with opened(ledger.parameters, ledger.environment) as audit:
        assert audit.source.index
        state = audit.frame("webhook_topics").set_index("topic")["state"]
        matrix = audit.frame("webhook_matrix")
        axes = plots.webhook_matrix(matrix)
        cells = audit.frame("topic_matrix").set_index(["topic", "side"])
        text = webhook_analysis(audit)
    assert state[["member.created", "member.removed"]].tolist() == ["registered", "elsewhere for north"]
    assert matrix.set_index("resource").loc["member", "delete"] == "elsewhere for north"
    assert "↗ elsewhere" in {one.get_text() for one in axes.texts}
    told = cells.loc[("member.removed", "registered"), ["state", "told"]].tolist()
    assert told == ["elsewhere", "1 of 2 elsewhere"]
    assert "| 11 of 12 (91.7 %), 1 elsewhere | 100 % |" in text
    assert "| **1 of 2 elsewhere** |" in text
