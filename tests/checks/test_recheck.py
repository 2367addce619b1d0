"""What differs is looked at again, by id and in the database as it is by then; the instant stays what is judged.

Between the instant and the look everything happens that can: it comes late, is mended, is deleted, goes on to differ.
"""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from dsaudit.audit import Audit
from dsaudit.reconcile import recheck
from dsaudit.source import Recording
from dsaudit.verdict import Status
from tests.checks.auditing import all_rows, opened
from tests.storefront.backend_kit import ACME, deliver

MISSING, EXTRA, FIELDS = "source_missing_in_refined", "refined_missing_at_source", "field_differences"
NOTE = "update shopify_customer set note = {} where shopify_customer_id = %s"
LATE = 2.5  # seconds: longer than clocks that tell whole seconds, and may differ by one, leave in doubt
UNDELIVERED = ["draft_orders/create", "draft_orders/delete", "locations/create", "customers/delete"]


def told(audit: Audit, check: str) -> dict[str, tuple[str, str]]:
    """Return cause and evidence of the rows that a check finds in the lists' own records, by id."""
    rows = all_rows(audit, audit.check(check))
    own = (row for row in rows if row["resource"] in ("draft_order", "location", "customer"))
    return {str(row["source_id"]): (str(row["cause"]), str(row["evidence"])) for row in own}


def at_rest(clone: Any) -> None:
    """Say in the parameter file that nothing is under way."""
    file = yaml.safe_load(clone.parameters.read_text(encoding="utf-8"))
    file["policy"]["in_flight_seconds"] = 0
    clone.parameters.write_text(yaml.safe_dump(file, allow_unicode=True), encoding="utf-8")


def a_customer(clone: Any) -> str:
    query = """select shopify_customer_id::text from shopify_customer
        join integration on integration.id = integration_id
        where integration.name = 'acme' and deleted_at is null order by 1 limit 1"""
    with clone.owner() as connection:
        return str(connection.execute(query).fetchone()[0])


def test_a_second_look_tells_what_was_late_or_mended_and_clears_nothing(
    sample: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sample.clone() as clone:
        at_rest(clone)
        gone = clone.record(ACME, "customers", "create")["id"]
        edited = a_customer(clone)
        clone.settle()
        clone.source_control("faults", {"drop_deliveries": UNDELIVERED})
        clone.record(ACME, "customers", "delete", int(gone))  # before a draft order could name it
        lost, late, deleted = (clone.record(ACME, "draft_orders", "create") for _ in range(3))
        synced = clone.record(ACME, "locations", "create")["id"]
        with clone.owner() as connection:
            was = connection.execute("select note from shopify_customer where shopify_customer_id = %s", [edited])
            note = was.fetchone()[0]
            connection.execute(NOTE.format("'by hand'"), [edited])
        time.sleep(LATE)
        with opened(clone.parameters, clone.environment) as audit:
            assert audit.source.index  # and with it the instant
            deliver(clone, "draft_orders/create", late["record"])
            deliver(clone, "customers/delete", {"id": int(gone)})
            clone.record(ACME, "draft_orders", "delete", int(deleted["id"]))
            clone.sync(ACME, resources=["locations"])
            with clone.owner() as connection:
                connection.execute(NOTE.format("%s"), [note, edited])
            clone.settle()
            missing, extra, fields = (told(audit, check) for check in (MISSING, EXTRA, FIELDS))
            kept = clone.copy / "kept"
            shutil.copytree(audit.source.folder, kept)
        assert {key: cause for key, (cause, _) in missing.items()} == {
            lost["id"]: "UNDELIVERED", late["id"]: "HEALED_LATE", deleted["id"]: "UNDELIVERED", synced: "UNDELIVERED",
        }  # fmt: skip
        assert "; unchanged on both sides when looked at again " in missing[lost["id"]][1]
        assert "; no longer at the source when looked at again " in missing[deleted["id"]][1]
        assert {key: cause for key, (cause, _) in extra.items()} == {gone: "HEALED_LATE"}
        assert {key: cause for key, (cause, _) in fields.items()} == {edited: "REFINE_WRONG"}
        healed = (missing[late["id"]], missing[synced], extra[gone], fields[edited])
        assert all("; right when looked at again " in evidence for _, evidence in healed)
        unchanged = {one["id"]: missing[one["id"]] for one in (lost, deleted)}
        assert_a_replay_asks_nobody_and_says_the_same(clone, kept, unchanged)
        assert_what_came_in_time_was_in_flight(clone, monkeypatch)


def assert_a_replay_asks_nobody_and_says_the_same(clone: Any, kept: Path, said: dict[str, tuple[str, str]]) -> None:
    index = json.loads((kept / "index.json").read_text(encoding="utf-8"))
    (kept / "index.json").write_text(json.dumps({"replayed": "a run", **index}), encoding="utf-8")
    with opened(clone.parameters, {**clone.environment, "STOREFRONT_API": "http://127.0.0.1:9"}) as audit:
        audit.source = Recording(kept, audit.parameters)  # type: ignore[misc]
        assert told(audit, MISSING) == said, "what was right later is here by now"
        assert audit.check(MISSING).limits == []
    # Without what was kept nothing is said of a second look, and the loss stands.
    (kept / "again.jsonl").unlink()
    with opened(clone.parameters, clone.environment) as audit:
        audit.source = Recording(kept, audit.parameters)  # type: ignore[misc]
        found = told(audit, MISSING)
        assert {cause for cause, _ in found.values()} == {"UNDELIVERED"} and found.keys() == said.keys()
        assert not any("looked at again" in evidence for _, evidence in found.values())


def assert_what_came_in_time_was_in_flight(clone: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = clone.record(ACME, "draft_orders", "create")
    monkeypatch.setattr(recheck, "LONGEST_PAUSE", 0)
    with opened(clone.parameters, clone.environment) as audit:
        assert audit.source.index
        deliver(clone, "draft_orders/create", made["record"])
        clone.settle()
        policy = audit.parameters.policy.model_copy(update={"in_flight_seconds": 600})
        audit.parameters = audit.parameters.model_copy(update={"policy": policy})
        cause, evidence = told(audit, MISSING)[made["id"]]
        assert cause == "IN_FLIGHT" and "; right when looked at again " in evidence
    # A source that does not answer any more leaves every loss as it is, and the verdict says that it was not asked.
    with opened(clone.parameters, clone.environment) as audit:
        assert audit.source.index
        source = audit.parameters.source.model_copy(update={"base_url_env": "NOT_SET"})
        audit.parameters = audit.parameters.model_copy(update={"source": source})
        verdict = audit.check(MISSING)
        assert verdict.status is Status.FAIL
        assert verdict.limits == [
            "not every record of acme that differs was asked for again: the environment variable NOT_SET is not set;"
            " it holds the source's address"
        ]
