"""With several faults at once no failure stands under the root of another resource."""

from __future__ import annotations

from typing import Any

from dsaudit.parameters import load
from dsaudit.verdict import Status
from examples.storefront.faults.subscribing import subscribed, unsubscribed
from tests.checks.auditing import decision, told, verdicts
from tests.faults.systems import wait_for_nothing

ROOT = "webhook_addresses_right"


def sent_elsewhere(clone: Any, tenant: str, topic: str) -> None:
    unsubscribed(clone, f"{tenant}.myshopify.example", topic)
    subscribed(clone, f"{tenant}.myshopify.example", topic, "https://old.storefront.example/hooks")


def test_a_topic_explains_what_is_wrong_with_its_own_resource_alone(sample: Any) -> None:
    with sample.clone() as clone:
        silent, old, different = clone.plant("orders_update_dropped").must
        wait_for_nothing(clone)

        def consequences() -> dict[str, list[str]]:
            found = verdicts(clone.parameters, clone.environment, [ROOT, silent.check, old.check, different.check])
            assert {one.status for one in found.values()} == {Status.FAIL}, "\n".join(map(told, found.values()))
            following: dict[str, list[str]] = decision(load(clone.parameters), found)["consequences"]
            return following

        sent_elsewhere(clone, silent.scope["tenant"], "locations/delete")
        of_another = consequences()
        assert of_another[old.check] == [silent.check] and ROOT not in str(of_another)
        sent_elsewhere(clone, silent.scope["tenant"], "orders/updated")
        assert ROOT in consequences()[old.check]
