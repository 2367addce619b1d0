"""The application's own logs held against the tables: what is a loss, what is none, and what cannot be told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dsaudit.checks import all_checks
from dsaudit.checks.planning import plan_check
from dsaudit.parameters import load
from dsaudit.probes import MARK
from dsaudit.verdict import Status, Verdict
from tests import ledger
from tests.checks.auditing import all_rows, opened, told, verdicts
from tests.checks.test_causes import OLD, scene, without

ERRORS, GAP = "errors_left_a_record", "logs_have_no_gap"
NAME = "Ada Lovelace"
NOW = datetime.now(UTC)


def a_line(at: datetime, level: str = "error", **values: Any) -> str:
    return json.dumps({"time": at.isoformat(), "level": level, "event": "webhook_failed", **values}, default=str)


# What is a loss, in the storefront


class Case:
    """What the tables have, and lines about it, each with what becomes of it."""

    def __init__(self, clone: Any) -> None:
        self.clone = clone
        self.lines: list[str] = []
        with clone.owner() as connection:
            connection.execute(
                """update shopify_raw_ingest set processing_status = 'error', processed_at = null where id = (
                    select max(id) from shopify_raw_ingest where object_type = 'dispute')"""
            )
            self.taken = connection.execute(
                """select d.delivery_id, d.received_at from shopify_webhook_delivery as d
                join shopify_raw_ingest as r using (delivery_id) where outcome = 'accepted' limit 1"""
            ).fetchone()
            (self.last,) = connection.execute("select max(processed_at) from shopify_raw_ingest").fetchone()
            (self.failed,) = connection.execute(
                "select shopify_object_id from shopify_raw_ingest where processing_status = 'error'"
            ).fetchone()
            self.order, self.stored, self.first = connection.execute(
                """select shopify_object_id, max(created_at), (select min(received_at) from shopify_webhook_delivery)
                from shopify_raw_ingest where object_type = 'order' group by 1 order by 1 limit 1"""
            ).fetchone()
        self.after = self.last + timedelta(seconds=1)

    def add(self, at: datetime, **values: Any) -> str:
        self.lines.append(a_line(at, **values))
        return str(values.get("delivery") or values.get("object_id"))

    @property
    def lost(self) -> set[str]:
        """What nothing in the tables tells of."""
        return {
            self.add(self.after, delivery="nobody-has-it", topic="orders/updated"),
            self.add(self.after, object_type="order", object_id=int(self.order)),
            # A line may name its tenant by id, by account or not at all.
            self.add(
                self.after, object_type="order", object_id="1", integration="5f0c2b1e-8a54-4c1b-9d3e-0a1b2c3d4e5f"
            ),
        }

    def known(self) -> None:
        """Write lines of which the tables tell, or that are none of ours."""
        delivery, received_at = self.taken
        self.add(received_at, delivery=delivery)  # it was stored all the same
        self.add(self.stored - timedelta(seconds=1), object_type="order", object_id=self.order)  # and this came later
        self.add(self.after, object_type="dispute", object_id=self.failed)  # its row says that it failed
        self.add(self.after, object_type="order", object_id="2", shop="of-somebody.else")
        self.add(self.after, delivery=f"{MARK}000000000001")
        self.add(self.after, object_type="parcel", object_id="3")  # of nothing that the file declares
        self.add(self.first - timedelta(days=1), delivery="before-the-tables")
        self.add(self.after, event=f"{NAME} cannot be read", error=f"ValueError: {NAME}")
        self.add(datetime.now(UTC) + timedelta(hours=1), delivery="not-yet")
        self.lines.append(a_line(self.after, "warning", delivery="no-error"))


@pytest.fixture(scope="module")
def clone(sample: Any) -> Iterator[Any]:
    with sample.clone() as one:
        text = one.parameters.read_text(encoding="utf-8")
        one.parameters.write_text(text.replace("in_flight_seconds: 2", "in_flight_seconds: 0"), encoding="utf-8")
        yield one


def test_only_what_no_table_tells_of_is_named(clone: Any) -> None:
    case = Case(clone)
    case.known()
    lost = case.lost
    path = clone.copy / "backend.log.3"
    path.write_text("\n".join([*case.lines, "Traceback (most recent call last):", case.lines[0][:30]]) + "\n")
    with opened(clone.parameters, clone.environment) as audit:
        verdict, gap = audit.check(ERRORS), audit.check(GAP)
        rows = all_rows(audit, verdict)
        table = audit.frame("logged_errors")
        shown = str(audit.table("logged_errors")._repr_mimebundle_()) + told(verdict)
    path.unlink()
    assert verdict.status is Status.FAIL and {str(row["delivery_id"] or row["source_id"]) for row in rows} == lost
    assert {row["file"] for row in rows} == {"backend.log.3"} and None not in {row["line"] for row in rows}
    assert {(row["tenant"], row["source_id"]) for row in rows} >= {("acme", "1"), (None, case.order)}
    assert "2 lines of the log could not be read: 1 cut off, 1 no JSON object" in verdict.limits
    limits = "; ".join(verdict.limits)
    whose = "1 are about tenants that the parameter file does not name"
    for words in (
        "1 name neither",
        "2 are about what was stored or refined later",
        "2 are older than the tables",
        whose,
    ):
        assert f"of the errors, {words}" in limits
    assert gap.status is Status.PASS, told(gap)
    assert set(table["said"]) == {"webhook_failed", "… cannot be read (ValueError)"}
    assert NAME not in shown and "Lovelace" not in shown


def test_an_error_alone_proves_that_a_record_came_and_was_lost(sample: Any) -> None:
    with scene(sample, "error_forgotten") as damaged:
        for change in (lambda file: None, without("deliveries")):
            verdict, rows = damaged.rows(OLD, change)
            assert [row["cause"] for row in rows] == ["NEVER_RECEIVED"], told(verdict)
            assert "the application's log has an error about it" in rows[0]["evidence"]
        verdict, rows = damaged.rows(OLD, without("deliveries", "logs"))
        assert rows[0]["cause"] != "NEVER_RECEIVED" and "log has" not in rows[0]["evidence"]
        with damaged.audited(lambda file: None) as audit:
            story = audit.why(rows[0]["resource"], rows[0]["source_id"], rows[0]["tenant"])
    logged = story.events[story.events["side"] == "log"]
    assert list(logged["state"])[-2:] == ["bad", "plain"]
    assert list(logged["what"])[-2:] == ["error: webhook_not_stored (ValueError)", "info: webhook_taken"]
    assert logged["detail"].iloc[-2].startswith("backend.log:")


# When it is known, in the ledger


SECTION = """logs: {files: FOLDER/app.log*, columns: {at: time, message: event, delivery_id: hook, tenant: org}}
policy: {in"""
TRAFFIC = 60  # deliveries, one a minute
Ledger = Callable[..., ledger.Ledger]


@pytest.fixture
def logging(new_ledger: Ledger) -> ledger.Ledger:
    """A ledger with an hour of traffic, whose log is declared and not yet there."""
    one = new_ledger()
    one.edit("parameters/ledger.yml", "policy: {in", SECTION.replace("FOLDER", str(one.folder)))
    for number in range(TRAFFIC):
        one.execute(
            "insert into ledger.hook_log values (%s, 'N', 'member.updated', 'a', %s, %s, 'ok')",
            f"h{number}", _minute(number), _minute(number),
        )  # fmt: skip
    return one


def _minute(number: int) -> datetime:
    return NOW - timedelta(minutes=TRAFFIC + 30 - number)


def judged(one: ledger.Ledger, *lines: str, name: str = "app.log") -> dict[str, Verdict]:
    (one.folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return verdicts(one.parameters, one.environment, [ERRORS, GAP])


def heard(numbers: range) -> list[str]:
    return [a_line(_minute(number), "info", hook=f"h{number}", org="N") for number in numbers]


def test_a_log_that_goes_on_passes_and_one_with_a_hole_names_it(logging: ledger.Ledger) -> None:
    assert judged(logging, *heard(range(TRAFFIC)))[GAP].status is Status.PASS
    rotated_away = judged(logging, *heard(range(20)), *heard(range(40, TRAFFIC)))[GAP]
    assert rotated_away.status is Status.FAIL, told(rotated_away)
    (row,) = rotated_away.rows
    assert row[:4] == ["deliveries", _minute(20).isoformat(), _minute(40).isoformat(), 20]
    few = judged(logging, *heard(range(20)), *heard(range(21, TRAFFIC)))[GAP]
    assert few.status is Status.PASS, "one delivery that is not logged may be chance"


def test_what_was_before_the_log_may_have_been_rotated_away(logging: ledger.Ledger) -> None:
    verdict = judged(logging, *heard(range(30, TRAFFIC)))[GAP]
    assert verdict.status is Status.PASS and verdict.results[0].examined >= 30, told(verdict)


def test_a_log_of_syncs_that_names_no_delivery_though_it_should_is_undecided(logging: ledger.Ledger) -> None:
    syncs = [a_line(NOW - timedelta(minutes=90), "info", event="sync done")]
    for name, verdict in judged(logging, *syncs).items():
        assert verdict.status is Status.INCONCLUSIVE, told(verdict)
        assert "names" in str(verdict.results[0].reason), name


@pytest.mark.parametrize(
    ("lines", "errors", "gap"),
    [
        ([], "the log has no line since", "though the tables have 60 deliveries, 4 syncs since then"),
        (
            [a_line(NOW - timedelta(days=2), "info", event="of another system")],
            "no line of the log names a delivery or a record",
            "the log names none of these, and has no line while one ran: 60 deliveries, 4 syncs; is it the right one?",
        ),
        (["plain text"] * 5, "most of the log could not be read", "most of the log could not be read"),
        (
            [a_line(NOW - timedelta(hours=1), event="it broke")],
            "no line of the log names a delivery or a record, so no error can be held against the tables",
            "the log names none of 60 deliveries: is it logs.columns.delivery_id?",
        ),
        (
            [a_line(NOW - timedelta(hours=1), hook="h3")],
            "1 error cannot be held against the tables",
            None,
        ),
        (
            [a_line(NOW - timedelta(hours=1), hook="x1", org="The North")],
            "every line names a tenant that the parameter file does not",
            "the log names none of 60 deliveries",
        ),
    ],
    ids=["empty", "another system's", "no JSON", "names nothing", "nothing to hold it against", "another's name"],
)
def test_what_proves_nothing_is_inconclusive(
    lines: list[str], errors: str | None, gap: str | None, logging: ledger.Ledger
) -> None:
    found = judged(logging, *lines)
    for name, words in ((ERRORS, errors), (GAP, gap)):
        (result,) = found[name].results
        assert (result.status is Status.INCONCLUSIVE) == (words is not None), told(found[name])
        assert (words or "") in str(result.reason)


def test_a_file_that_is_not_there_is_inconclusive(logging: ledger.Ledger) -> None:
    for verdict in verdicts(logging.parameters, logging.environment, [ERRORS, GAP]).values():
        assert verdict.status is Status.INCONCLUSIVE, told(verdict)
        assert "the log is not known: there is no file" in str(verdict.results[0].reason)


def test_a_part_that_is_not_known_leaves_it_undecided_unless_the_rest_has_a_loss(logging: ledger.Ledger) -> None:
    one = f"{logging.folder}/app.log*"
    logging.edit("parameters/ledger.yml", f"files: {one}", f"files: [{logging.folder}/worker.log, {one}]")
    for verdict in judged(logging, *heard(range(TRAFFIC))).values():
        assert verdict.status is Status.INCONCLUSIVE, told(verdict)
        assert "a part of the log is not known: there is no file" in str(verdict.results[0].reason)
    lost = judged(logging, a_line(NOW - timedelta(hours=1), hook="x1"), *heard(range(TRAFFIC)))[ERRORS]
    assert lost.status is Status.FAIL, told(lost)


def test_without_a_raw_table_a_delivery_that_nobody_has_is_lost_all_the_same(logging: ledger.Ledger) -> None:
    at = NOW - timedelta(hours=1)
    logging.execute("update ledger.hook_log set verdict = 'lost' where hook = 'h5'")
    verdict = judged(logging, a_line(at, hook="h5"), a_line(at, hook="x1"), a_line(at, hook="x2", org="X"))[ERRORS]
    assert verdict.status is Status.FAIL, told(verdict)
    assert [row[5] for row in verdict.rows] == [{"masked": verdict.rows[0][5]["masked"], "length": 2}], told(verdict)


def test_without_the_section_both_are_skipped_with_the_reason(new_ledger: Ledger) -> None:
    parameters = load(new_ledger().parameters)
    for name in (ERRORS, GAP):
        reason = plan_check(all_checks()[name], parameters).skipped
        assert reason == "the parameter file has no logs (the application's own log files)"
