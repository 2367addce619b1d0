"""What one more look at a difference tells: a loss is moved by evidence alone, and nothing real is cleared."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from dsaudit.parameters import Resource
from dsaudit.reconcile import Key, Sides
from dsaudit.reconcile.looks import GONE, TOUCHED, Looked, Open, Seen
from dsaudit.source.recording import Item

READ = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)  # when the reading of the source began
KEY = ("acme", "1")
ORDER = Resource.model_validate({
    "table": "t", "key": "id", "read": "orders", "one": "orders/{id}", "updated": "updated",
    "fields": {"total": "integer"}, "known": {"created": "created"},
})  # fmt: skip
POLICY = SimpleNamespace(in_flight_seconds=6, clock_error_seconds=1)


def at(seconds: float) -> datetime:
    return READ + timedelta(seconds=seconds)


def record(changed: float | None, total: int = 1) -> dict[str, Any]:
    return {"id": 1, "updated": changed if changed is None else at(changed).isoformat(), "total": total}


def sides(there: dict[str, Any] | None, came: float | None, total: int = 1, changed: float | None = None) -> Sides:
    """Return both sides of one order: as the source has it, and as it came to the raw and the refined table."""
    both = Sides("order", ORDER, ["acme"], READ, at(3), raw={})
    both.source = {KEY: Item("1", there, there)} if there else {}
    if came is not None:
        state = None if changed is None else at(changed)
        received = {"row_id": f"row of {came}", "deleted": False, "received_at": at(came), "changed_at": state}
        both.raw = {KEY: {**received, "by_webhook": True}}
        both.refined = {KEY: [{"deleted": False, "updated_at": state, "refined_at": at(came), "total": total}]}
    return both


def missing(both: Sides, key: Key) -> Iterator[dict[str, Any]]:
    if not both.live(key):
        yield {}


def wrong(both: Sides, key: Key) -> Iterator[dict[str, Any]]:
    for row in both.live(key):
        if row["total"] != both.source[key].record["total"]:
            yield {"field": "total"}


def opened(judged: Sides, explains: str, field: str | None = None) -> Open:
    item = judged.source.get(KEY)
    record = item.record if item else None
    by_id = ("acme", "order", "1")
    return Open(explains, KEY, field, judged, by_id, record, judged.digest(KEY), judged.in_flight(KEY))


def look(one: Open, now: Sides, differences: Any, answered: bool = True, is_last: bool = True) -> Looked | None:
    source = SimpleNamespace(ended=lambda tenant, name: at(2), started=READ)
    parameters = SimpleNamespace(policy=POLICY)
    audit: Any = SimpleNamespace(parameters=parameters, source=source, instant=at(3).isoformat())
    return Seen(one, now, answered, audit, 9).told(differences, is_last)


def test_what_is_right_soon_after_its_change_was_in_flight() -> None:
    was = record(changed=1)
    looked = look(opened(sides(was, None), "missing"), sides(was, came=7.5, changed=1), missing)
    assert looked == Looked("right when looked at again 9 s later", in_flight=True, healed=True, arrived=True)


@pytest.mark.parametrize("changed", [-3600, -1])
def test_what_is_right_later_than_the_policy_allows_was_wrong_and_stays_so(changed: float) -> None:
    was = record(changed)
    looked = look(opened(sides(was, None), "missing"), sides(was, came=8, changed=changed), missing)
    assert looked == Looked("right when looked at again 9 s later", healed=True, arrived=True)


def test_what_somebody_mended_came_by_no_webhook() -> None:
    was = record(changed=-60)
    now = sides(was, came=8, changed=-60)
    assert now.raw
    now.raw[KEY]["by_webhook"] = False
    looked = look(opened(sides(was, None), "missing"), now, missing)
    assert looked and looked.healed and not looked.arrived and not looked.in_flight
    # The same version as before, and a refined row that was edited in between.
    judged, mended = sides(was, came=-50, total=2, changed=-60), sides(was, came=-50, total=1, changed=-60)
    looked = look(opened(judged, "field", "total"), mended, wrong)
    assert looked and looked.healed and not looked.arrived and not looked.in_flight


def test_what_is_unchanged_on_both_sides_is_lost() -> None:
    was = record(changed=-60)
    looked = look(opened(sides(was, None), "missing"), sides(was, None), missing, is_last=False)
    assert looked == Looked("unchanged on both sides when looked at again 9 s later")
    looked = look(opened(sides(was, None), "missing"), sides(None, None), missing, answered=False)
    assert looked == Looked("unchanged here when looked at again 9 s later"), "the source said nothing"


def test_without_a_time_of_change_only_what_came_by_itself_in_time_was_in_flight() -> None:
    was = record(changed=None)
    judged = sides(was, came=-50, total=2)
    in_time, late = sides(was, came=8), sides(was, came=10)
    looked = look(opened(judged, "field", "total"), in_time, wrong)
    assert looked and looked.in_flight
    looked = look(opened(judged, "field", "total"), late, wrong)
    assert looked and looked.healed and not looked.in_flight
    # The version that the refined row was built from had long come: that it is right now is somebody's work.
    looked = look(opened(judged, "field", "total"), sides(was, came=-50, total=1), wrong)
    assert looked and looked.healed and not looked.in_flight
    looked = look(opened(sides({**was, "created": at(-90).isoformat()}, None), "missing"), in_time, missing)
    assert looked and looked.healed and not looked.in_flight, "it was made long ago, and never came"


def test_a_real_difference_of_a_record_that_changes_on_stays() -> None:
    was = record(changed=-60, total=5)
    one = opened(sides(was, came=-59, total=2, changed=-60), "field", "total")
    assert look(one, sides(record(8, 6), came=9, total=3, changed=8), wrong, is_last=False) is None
    looked = look(one, sides(record(18, 7), came=19, total=4, changed=18), wrong)
    assert looked == Looked("changed on both sides since, and not right when looked at again 9 s later")
    # Nothing comes, whatever the source does: it is lost, and that it goes on changing is no excuse.
    one = opened(sides(was, None), "missing")
    assert look(one, sides(record(8), None), missing, is_last=False) is None
    looked = look(one, sides(record(18), None), missing)
    assert looked and not looked.in_flight and looked.again and looked.again.startswith("changed at the source since")


def test_what_is_behind_in_another_state_at_every_look_is_in_flight() -> None:
    one = opened(sides(record(-7, 1), came=-8, total=0, changed=-9), "field", "total")
    assert look(one, sides(record(8, 3), came=7, total=2, changed=6), wrong, is_last=False) is None
    looked = look(one, sides(record(18, 5), came=17, total=4, changed=16), wrong)
    assert looked and looked.in_flight and looked.again and looked.again.startswith("it keeps changing")


def test_a_row_that_is_gone_on_both_sides_is_not_called_right() -> None:
    was = record(changed=-60, total=5)
    looked = look(opened(sides(was, came=-59, total=2, changed=-60), "field", "total"), sides(None, None), wrong)
    assert looked == Looked("no longer at the source when looked at again 9 s later")


def test_a_change_that_was_not_due_and_is_gone_on_both_sides_was_in_flight() -> None:
    young, old = opened(sides(record(1), None), "missing"), opened(sides(record(-6), None), "missing")
    looked = look(young, sides(None, None), missing)
    assert looked == Looked("no longer at the source, nor here, when looked at again 9 s later", in_flight=True)
    looked = look(old, sides(None, None), missing)
    assert looked == Looked("no longer at the source when looked at again 9 s later"), "it should have come by then"
    # What is here still has its deletion to come.
    wrong_here = opened(sides(record(1, 5), came=2, total=2, changed=1), "field", "total")
    wrong_here.in_flight = False
    looked = look(wrong_here, sides(None, came=2, total=2, changed=1), wrong)
    assert looked and not looked.in_flight


def test_an_extra_row_whose_record_the_source_has_under_its_id() -> None:
    extra = opened(sides(None, came=-50, changed=-60), "extra")
    looked = look(extra, sides(record(-60), came=-50, changed=-60), missing)
    assert looked and looked.answered and not looked.in_flight
    looked = look(extra, sides(record(5), came=-50, changed=-60), missing)
    assert looked and looked.in_flight, "it came to be at the source after its list was read"
    looked = look(extra, sides(None, came=-50, changed=-60), missing)
    assert looked == Looked("unchanged on both sides when looked at again 9 s later")


def test_an_extra_row_that_goes_away_by_itself() -> None:
    extra = opened(sides(None, came=-50, changed=-60), "extra")
    gone = sides(None, came=5)
    gone.refined[KEY][0]["deleted"] = True
    looked = look(extra, gone, missing)
    assert looked == Looked("right when looked at again 9 s later", in_flight=True, healed=True, arrived=True)
    late = sides(None, came=30)
    late.refined[KEY][0]["deleted"] = True
    looked = look(extra, late, missing)
    assert looked and looked.healed and not looked.in_flight


def touched(both: Sides, seconds: float) -> Sides:
    """Return sides without a raw table, whose row was written so long after the reading began."""
    both.raw = None
    for row in both.refined[KEY]:
        row |= {"updated_at": None, "refined_at": at(seconds)}
    return both


def test_what_was_written_since_is_wrong_where_the_source_has_what_was_read() -> None:
    was = record(changed=-3600, total=5)
    judged, now = touched(sides(was, came=0, total=2), 1), touched(sides(was, came=0, total=2), 8)
    assert judged.touched(KEY)
    looked = look(opened(judged, "field", "total"), now, wrong)
    assert looked == Looked("changed here since, and not right when looked at again 9 s later")
    looked = look(opened(judged, "field", "total"), now, wrong, answered=False)
    assert looked and looked.in_flight and looked.undecided == TOUCHED, "the source said nothing"
    # It changed there after it had been read, and is right by now.
    right = touched(sides(record(2, 6), came=0, total=6), 2)
    looked = look(opened(judged, "field", "total"), right, wrong)
    assert looked and looked.healed and looked.in_flight
    # It changed there then, and is wrong for longer than the policy allows.
    behind = touched(sides(record(-1, 6), came=0, total=2), 8)
    looked = look(opened(judged, "field", "total"), behind, wrong)
    assert looked and not looked.in_flight and not looked.undecided


def test_an_extra_row_in_flight_is_wrong_only_where_the_source_lacks_it_at_every_look() -> None:
    judged, now = (touched(sides(None, came=0), seconds) for seconds in (1, 8))
    extra = opened(judged, "extra")
    assert look(extra, now, missing, is_last=False) is None, "it may have come and gone a moment ago"
    extra.first = 0
    looked = look(extra, now, missing)
    assert looked and not looked.in_flight
    looked = look(opened(judged, "extra"), touched(sides(record(None), came=0), 8), missing)
    assert looked and looked.in_flight, "the source tells no time, and has it since"


def test_a_record_that_went_on_both_sides_is_lost_only_where_it_never_came() -> None:
    was, gone = record(-3600), sides(None, None)
    plain = sides(was, None)
    plain.raw = None
    looked = look(opened(plain, "missing"), gone, missing)
    assert looked == Looked("no longer at the source, nor here, when looked at again 9 s later", undecided=GONE)
    received = sides(was, came=-3599, changed=-3600)
    received.refined = {}
    looked = look(opened(received, "missing"), gone, missing)
    assert looked and looked.undecided == GONE, "it had come"
    looked = look(opened(sides(was, None), "missing"), gone, missing)
    assert looked == Looked("no longer at the source when looked at again 9 s later"), "nothing of it was ever received"
    for seconds, in_flight in ((1, True), (-60, False)):
        marked = sides(was, came=-3599, changed=-3600)
        marked.refined[KEY][0] |= {"deleted": True, "refined_at": at(seconds)}
        looked = look(opened(marked, "missing"), gone, missing)
        assert looked and looked.in_flight is in_flight and not looked.undecided


def test_a_time_that_had_not_been_is_no_excuse() -> None:
    was = record(changed=9e8)
    looked = look(opened(sides(was, None), "missing"), sides(was, came=30, changed=9e8), missing)
    assert looked and looked.healed and not looked.in_flight
    looked = look(opened(sides(was, None), "missing"), sides(None, None), missing)
    assert looked and not looked.in_flight
    looked = look(opened(sides(None, came=-50), "extra"), sides(was, came=-50), missing)
    assert looked and not looked.in_flight and looked.answered
