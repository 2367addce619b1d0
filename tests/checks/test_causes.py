"""A cause is given only with its decisive evidence: composite faults, and facts that the parameter file does not give.

Each scene plants faults in a clone and audits it with the file as it is and with less: without the log of deliveries,
the sync runs, the raw table, or what is known of the provider.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from dsaudit.audit import Audit
from dsaudit.source import Recording
from dsaudit.verdict import Status, Verdict
from tests.checks.auditing import all_rows, opened

RAW, REFINED = "source_missing_in_raw", "source_missing_in_refined"
EXTRA, FIELDS, OLD = "refined_missing_at_source", "field_differences", "raw_differs_from_source"
File = dict[str, Any]
Change = Callable[[File], object]


class Scene:
    """A damaged clone, audited with one parameter file after the other; its source is read once, until `anew`."""

    def __init__(self, clone: Any) -> None:
        self.clone = clone
        self._number = 0
        self._recording: Path | None = None

    def causes(self, check: str, change: Change = lambda file: None) -> dict[tuple[str, str], set[str]]:
        """Return the causes that a check gives, by resource and field (or nothing)."""
        found: dict[tuple[str, str], set[str]] = {}
        for row in self.rows(check, change)[1]:
            found.setdefault((row["resource"], row.get("field") or ""), set()).add(row["cause"])
        return found

    def rows(self, check: str, change: Change = lambda file: None) -> tuple[Verdict, list[dict[str, Any]]]:
        with self.audited(change) as audit:
            verdict = audit.check(check)
            return verdict, all_rows(audit, verdict)

    @contextmanager
    def audited(self, change: Change) -> Iterator[Audit]:
        with opened(self._file(change), self.clone.environment) as audit:
            if self._recording is None:
                assert audit.source.index
                self._recording = self.clone.copy / f"recording_{self._number}"
                shutil.copytree(audit.private / "recording", self._recording)
            audit.source = Recording(self._recording, audit.parameters)  # type: ignore[misc]
            yield audit

    def anew(self) -> None:
        """Have the source read again, after a change of what is in the tables."""
        self._recording = None

    def _file(self, change: Change) -> Path:
        file = yaml.safe_load(self.clone.parameters.read_text(encoding="utf-8"))
        file["policy"]["in_flight_seconds"] = 0  # the clone is at rest
        change(file)
        self._number += 1
        path: Path = self.clone.parameters.with_name(f"scene_{self._number}.yml")
        path.write_text(yaml.safe_dump(file, allow_unicode=True), encoding="utf-8")
        return path


@contextmanager
def scene(sample: Any, *faults: str) -> Iterator[Scene]:
    with sample.clone() as clone:
        for fault in faults:
            clone.plant(fault)
        time.sleep(1.5)  # so that nothing of it is in flight
        yield Scene(clone)


def without(*sections: str) -> Change:
    return lambda file: [file.pop(section) for section in sections]


def logless(*sections: str) -> Change:
    """Leave out, beside `sections`, both logs of deliveries: ours and the provider's."""
    return lambda file: [file["source"].pop("deliveries"), without("deliveries", *sections)(file)]


def knowing(resource: str, **known: Any) -> Change:
    return lambda file: file["resources"][resource].__setitem__("known", known)


def one(causes: dict[tuple[str, str], set[str]], resource: str, field: str = "") -> str:
    """Return the only cause that is given for a resource's rows."""
    (cause,) = causes[resource, field]
    return cause


# Two causes on one row: both are told, the earlier leads


@pytest.mark.parametrize(
    ("fault", "first", "second"),
    [("first_page_only", "PAGE_BOUNDARY", "UNDELIVERED"), ("sync_breaks_off", "FETCH_ERROR", "UNDELIVERED")],
)
def test_of_two_causes_the_earlier_leads_and_the_later_is_told(
    sample: Any, fault: str, first: str, second: str
) -> None:
    with scene(sample, fault) as damaged:
        _, rows = damaged.rows(RAW)
        assert {row["cause"] for row in rows} == {first}
        assert all(f"; also {second}: changed " in row["evidence"] for row in rows)
        # Without the runs of the sync there is only the delivery left, and that still stands.
        assert one(damaged.causes(RAW, without("syncs")), "location") == second


def test_two_faults_in_two_fields_of_one_row_are_told_apart(sample: Any) -> None:
    with sample.clone() as clone:
        planted = clone.plant("refined_row_edited")
        (customer,) = planted.must[0].keys
        tenant = planted.must[0].scope["tenant"]
        shop = {"acme": "acme.myshopify.example", "borealis": "borealis.myshopify.example"}[tenant]
        clone.source_control("faults", {"drop_deliveries": ["customers/update"]})
        clone.record(shop, "customers", "update", int(customer), last_name="Other")
        clone.settle()
        damaged = Scene(clone)
        found = damaged.causes(FIELDS)
        assert one(found, "customer", "note") == "REFINE_WRONG"
        assert one(found, "customer", "last_name") == "UNDELIVERED"
        # No log: of the one it is only known that no newer version came, of the other all that was known before.
        found = damaged.causes(FIELDS, without("deliveries"))
        assert one(found, "customer", "note") == "REFINE_WRONG"
        assert one(found, "customer", "last_name") == "MISSED_UPDATE"


def test_a_lost_order_and_a_payment_that_waits_for_it_have_each_their_own_cause(sample: Any) -> None:
    with scene(sample, "child_before_its_parent") as damaged:
        found = damaged.causes(REFINED)
        assert (one(found, "order"), one(found, "transaction")) == ("UNDELIVERED", "PARENT_MISSING")
        found = damaged.causes(REFINED, without("deliveries"))
        assert (one(found, "order"), one(found, "transaction")) == ("NEVER_RECEIVED", "PARENT_MISSING")
        # Without the relation nobody knows that the payment waits for anything: it is pending, and that is true.
        found = damaged.causes(REFINED, without("relations"))
        assert one(found, "transaction") == "REFINE_PENDING"


# A cause without its log


def test_refused_deliveries_without_their_log(sample: Any) -> None:
    with scene(sample, "creation_refused") as damaged:
        assert one(damaged.causes(RAW), "draft_order") == "REJECTED_SIGNATURE"
        # The provider's own log knows that it was given up, and not why.
        assert one(damaged.causes(RAW, without("deliveries")), "draft_order") == "UNDELIVERED"
        assert one(damaged.causes(REFINED, without("deliveries", "raw")), "draft_order") == "UNDELIVERED"
        assert one(damaged.causes(RAW, logless()), "draft_order") == "NEVER_RECEIVED"
        # Without the raw table too, nothing tells whether it came.
        assert one(damaged.causes(REFINED, logless("raw")), "draft_order") == "UNEXPLAINED"


def test_an_update_that_was_not_delivered(sample: Any) -> None:
    def nameless(file: File) -> None:
        file["deliveries"]["columns"]["source_id"] = "none"

    def unlisted(file: File) -> None:
        file["source"].pop("subscriptions")

    with scene(sample, "orders_update_dropped") as damaged:
        assert one(damaged.causes(FIELDS), "order", "note") == "UNDELIVERED"
        assert one(damaged.causes(FIELDS, without("raw")), "order", "note") == "UNDELIVERED"
        assert one(damaged.causes(FIELDS, without("raw", "deliveries")), "order", "note") == "UNEXPLAINED"
        # A log that does not say what its deliveries are about, and a topic of which nobody knows whether it is there.
        for change in (without("deliveries"), nameless):
            assert one(damaged.causes(OLD, change), "order") == "MISSED_UPDATE"
        damaged.anew()
        assert one(damaged.causes(OLD, unlisted), "order") == "MISSED_UPDATE"
        damaged.anew()
        # A log that begins after the change says nothing of it.
        with damaged.clone.owner() as connection:
            connection.execute("delete from shopify_webhook_delivery")
            connection.execute(
                """insert into shopify_webhook_delivery (integration_id, topic, shopify_object_id, received_at, outcome)
                select integration_id, 'orders/updated', shopify_object_id, now(), 'accepted'
                from shopify_raw_ingest where object_type = 'order' order by id limit 1"""
            )
        assert one(damaged.causes(OLD), "order") == "MISSED_UPDATE"


def test_a_subscription_that_is_missing_is_a_cause_only_for_what_came_later(sample: Any) -> None:
    with scene(sample, "orders_update_dropped", "topic_not_subscribed") as damaged:
        found = damaged.causes(OLD)
        assert (one(found, "order"), one(found, "location")) == ("UNDELIVERED", "TOPIC_NOT_SUBSCRIBED")
        # A delivery of the topic that came after the change shows that it was registered then.
        with damaged.clone.owner() as connection:
            connection.execute(
                """insert into shopify_webhook_delivery (integration_id, topic, shopify_object_id, received_at, outcome)
                select id, 'locations/update', '0', now(), 'accepted' from integration"""
            )
        assert one(damaged.causes(OLD), "location") == "MISSED_UPDATE"


def test_a_row_that_waits_is_explained_by_the_raw_table_alone(sample: Any) -> None:
    with scene(sample, "refinement_skipped") as damaged:
        assert one(damaged.causes(REFINED), "dispute") == "REFINE_PENDING"
        assert one(damaged.causes(REFINED, without("raw")), "dispute") == "UNEXPLAINED"


# What only the provider's behaviour explains


def test_old_orders_are_not_called_a_page_that_was_not_read(sample: Any) -> None:
    with scene(sample, "only_sixty_days") as damaged:
        assert one(damaged.causes(RAW), "order") == "SCOPE_HIDDEN"
        # All was forgotten, the log as well: what is left to say is that nothing of them was ever stored.
        silent = knowing("order", created="created_at")  # the catalogue tells what the file does not
        assert one(damaged.causes(RAW, silent), "order") == "SCOPE_HIDDEN"
        denied = knowing("order", created="created_at", aged=None)
        assert one(damaged.causes(RAW, denied), "order") == "NEVER_RECEIVED"
        younger = knowing("order", created="created_at", aged={"scope": "read_all_orders", "days": 3000})
        assert one(damaged.causes(RAW, younger), "order") == "NEVER_RECEIVED"
        assert one(damaged.causes(RAW, without("syncs")), "order") == "NEVER_RECEIVED"
        assert one(damaged.causes(REFINED, without("raw")), "order") == "SCOPE_HIDDEN"
        assert one(damaged.causes(REFINED, without("raw", "syncs")), "order") == "UNEXPLAINED"


def test_closed_orders_are_explained_by_what_is_known_of_the_list(sample: Any) -> None:
    with scene(sample, "open_orders_only") as damaged:
        assert one(damaged.causes(RAW), "order") == "API_DEFAULT_FILTER"
        assert one(damaged.causes(RAW, knowing("order", created="created_at")), "order") == "NEVER_RECEIVED"
        other = knowing("order", created="created_at", by_default={"test": False})
        assert one(damaged.causes(RAW, other), "order") == "NEVER_RECEIVED"


def test_a_merge_that_nobody_declared_is_a_deletion_that_was_missed(sample: Any) -> None:
    with scene(sample, "merged_at_source") as damaged:
        verdict, rows = damaged.rows(EXTRA)
        assert {row["resource"]: row["cause"] for row in rows}["customer"] == "MERGED_AT_SOURCE"
        (customers,) = [one for one in verdict.results if "no fault" in (one.reason or "")]
        assert (customers.status, customers.total) == (Status.PASS, 0)
        assert customers.reason == "no fault, and not counted: 1 MERGED_AT_SOURCE"
        assert one(damaged.causes(EXTRA, knowing("customer")), "customer") == "MISSED_DELETE"
        assert one(damaged.causes(EXTRA, without("raw")), "customer_address") == "UNEXPLAINED"


def test_a_record_of_another_tenant_is_known_by_its_content_too(sample: Any) -> None:
    with scene(sample, "wrong_tenant") as damaged:
        assert one(damaged.causes(REFINED, without("raw", "deliveries")), "customer") == "WRONG_TENANT"
        assert one(damaged.causes(EXTRA, without("raw")), "customer") == "FOREIGN_TENANT"
        # Another content under the same id is another record.
        with damaged.clone.owner() as connection:
            connection.execute("update shopify_customer set first_name = first_name || ' other'")
        damaged.anew()
        assert one(damaged.causes(EXTRA, without("raw")), "customer") == "UNEXPLAINED"


def test_a_factor_is_known_without_the_raw_table_where_the_row_is_of_the_present_state(sample: Any) -> None:
    with scene(sample, "zero_decimals_divided") as damaged:
        assert one(damaged.causes(FIELDS, without("raw")), "order", "total_price") == "UNIT_OR_SCALE"
        with damaged.clone.owner() as connection:
            connection.execute("update shopify_order set source_updated_at = source_updated_at - interval '1 day'")
        damaged.anew()
        stale = damaged.causes(FIELDS, without("raw", "deliveries"))
        assert one(stale, "order", "total_price") == "UNEXPLAINED"


# What is no fault


def test_what_the_next_sync_brings_is_no_fault_and_is_shown(sample: Any) -> None:
    with sample.clone() as clone:
        made = clone.record("acme.myshopify.example", "gift_cards", "create")["id"]
        damaged = Scene(clone)
        verdict, rows = damaged.rows(RAW)
        assert [(row["source_id"], row["cause"]) for row in rows] == [(made, "NOT_YET_DUE")]
        assert (verdict.status, verdict.causes, verdict.total) == (Status.PASS, {"NOT_YET_DUE": 1}, 0)

        def hurried(file: File) -> None:
            file["policy"]["sync_age_days"] = 1e-6

        verdict, rows = damaged.rows(RAW, hurried)
        assert (verdict.status, verdict.causes) == (Status.FAIL, {"UNEXPLAINED": 1})
        assert damaged.causes(RAW, without("syncs")) == {("gift_card", ""): {"UNEXPLAINED"}}


@pytest.mark.parametrize(
    ("seconds", "ended"),
    [
        pytest.param(60, "null", id="it still runs"),
        pytest.param(1, "one.ended_at", id="it began just after the change"),
    ],
)
def test_what_a_sync_could_not_yet_bring_is_no_fault(sample: Any, seconds: int, ended: str) -> None:
    with sample.clone() as clone:
        made = clone.record("acme.myshopify.example", "gift_cards", "create")["id"]
        damaged = Scene(clone)
        changed_at = damaged.rows(RAW)[1][0]["changed_at"]
        with clone.owner() as connection:
            connection.execute(
                f"""insert into shopify_sync_run (integration_id, object_type, trigger, started_at, ended_at)
                select integration_id, object_type, trigger, %s::timestamptz + interval '{seconds} seconds', {ended}
                from shopify_sync_run as one where object_type = 'gift_card'""",
                [changed_at],
            )
        damaged.anew()
        assert [(row["source_id"], row["cause"]) for row in damaged.rows(RAW)[1]] == [(made, "NOT_YET_DUE")]


def test_what_policy_leaves_out_is_no_fault_where_the_file_says_so(sample: Any) -> None:
    with sample.clone() as clone:
        clone.source_control("faults", {"drop_deliveries": ["draft_orders/create"]})
        clone.record("acme.myshopify.example", "draft_orders", "create", tags="internal")
        clone.settle()
        damaged = Scene(clone)
        verdict, rows = damaged.rows(RAW, knowing("draft_order", left_out={"tags": "internal"}))
        assert verdict.status is Status.PASS and {row["cause"] for row in rows} == {"POLICY_EXCLUDED"}
        verdict, rows = damaged.rows(RAW, knowing("draft_order", left_out={"tags": "other"}))
        assert verdict.status is Status.FAIL and {row["cause"] for row in rows} == {"UNDELIVERED"}


def test_the_policy_tolerates_so_many_and_no_more(sample: Any) -> None:
    def tolerant(**policy: Any) -> Change:
        return lambda file: file["policy"].update(policy)

    with scene(sample, "refined_row_edited") as damaged:
        verdict, _ = damaged.rows(FIELDS, tolerant(tolerated_differences=1))
        (dispute,) = [one for one in verdict.results if one.total]
        assert (verdict.status, dispute.expected, dispute.observed) == (Status.PASS, "at most 1 row", "1 row")
        assert verdict.causes == {"REFINE_WRONG": 1}
        assert damaged.rows(FIELDS, tolerant(tolerated_percent=0.01))[0].status is Status.FAIL


# States of the raw table that the sample never has by itself


def test_what_is_held_back_and_what_came_in_part(sample: Any) -> None:
    with sample.clone() as clone:
        with clone.owner() as connection:
            newest = "select max(shopify_{0}_id) from shopify_{0} where deleted_at is null"
            item, card = (
                connection.execute(newest.format(name)).fetchone() for name in ("inventory_item", "gift_card")
            )
            raw = "update shopify_raw_ingest set {} where shopify_object_id = %s::text"
            connection.execute("delete from shopify_gift_card where shopify_gift_card_id = %s", card)
            connection.execute(raw.format("processing_status = 'incomplete'"), card)
            connection.execute(raw.format("payload = payload - 'sku'"), item)
            connection.execute(
                "update shopify_inventory_item set sku = null where shopify_inventory_item_id = %s", item
            )

        def held(file: File) -> None:
            file["raw"]["states"] = {"held": ["incomplete"]}

        damaged = Scene(clone)
        assert one(damaged.causes(REFINED, held), "gift_card") == "PARTIAL_HELD"
        assert one(damaged.causes(REFINED), "gift_card") == "UNEXPLAINED"
        assert one(damaged.causes(FIELDS), "inventory_item", "sku") == "PARTIAL_PAYLOAD"
        assert one(damaged.causes(OLD), "inventory_item") == "PARTIAL_PAYLOAD"
        assert one(damaged.causes(FIELDS, without("raw")), "inventory_item", "sku") == "UNEXPLAINED"


# What is shown


def test_the_evidence_holds_nothing_out_of_the_data(sample: Any) -> None:
    words = re.compile(r"[\w .,:;()/'+-]+")
    with sample.clone() as clone:
        secret = "Zsófia Kovács-Oña"
        shop, kept = "acme.myshopify.example", Random(7)
        with clone.owner() as connection:
            found = connection.execute(
                "select shopify_customer_id from shopify_customer where deleted_at is null order by 1"
            ).fetchall()
        clone.source_control("faults", {"drop_deliveries": ["customers/update"]})
        for (customer,) in kept.sample(found, len(found)):
            try:
                clone.record(shop, "customers", "update", customer, first_name=secret)
                break
            except Exception:
                continue
        clone.settle()
        verdict, rows = Scene(clone).rows(FIELDS)
        assert rows and secret not in " ".join(row["evidence"] for row in rows)
        assert all(words.fullmatch(row["evidence"]) for row in rows)
        shown = [column["name"] for column in verdict.columns]
        assert all(isinstance(row[shown.index(name)], str) for row in verdict.rows for name in ("cause", "evidence"))
        assert secret not in str(verdict.to_json())
