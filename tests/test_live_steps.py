"""What one look at the database says of a change that is waited for, and what it does not say."""

from __future__ import annotations

from typing import Any

import pytest

from dsaudit.live.steps import Change, Look, Step

MARK = "dsaudit-1-2"


def raw(row_id: int, by_webhook: bool, deleted: bool = False, mark: str = MARK) -> dict[str, Any]:
    """A raw row that holds the mark."""
    payload = f'{{"note": "{mark}"}}'
    state = {"content_hash": f"h{row_id}", "state": "processed"}
    given = {"row_id": row_id, "by_webhook": by_webhook, "deleted": deleted, "payload": payload}
    return {**given, "delivery_id": f"d{row_id}", **state}


DELIVERED = [{"delivery_id": "d1", "received_at": None}]
AFTER = {"raw", "hash", "refined"}


@pytest.mark.parametrize("action", ["create", "update", "delete"])
def test_what_a_sync_brought_first_is_unknown_by_webhook(action: str) -> None:
    change, by_sync = Change(action, MARK), [raw(1, False, deleted=action == "delete")]
    look = Look("now", raw=by_sync, deliveries=DELIVERED)
    assert not look.arrived(change, Look(""), "dsaudit-1") & AFTER
    assert look.overtaken(change, Look(""), is_logged=True) == AFTER
    # Without an accepted delivery the webhook itself is what is missing; without a log nobody can tell.
    assert Look("now", raw=by_sync).overtaken(change, Look(""), is_logged=True) == set()
    assert Look("now", raw=by_sync).overtaken(change, Look(""), is_logged=False) == AFTER


def test_what_a_sync_did_not_bring_is_missing() -> None:
    change = Change("update", MARK)
    earlier = Look("then", raw=[raw(1, False)])
    for rows in ([raw(1, False)], [raw(1, False), raw(2, False, mark="another")], [raw(1, False), raw(2, True)]):
        assert Look("now", raw=rows, deliveries=DELIVERED).overtaken(change, earlier, is_logged=True) == set()


def test_a_step_that_nobody_can_tell_of_is_not_late() -> None:
    assert Step("create", "raw", since=9.0).fails(5) is True
    assert Step("create", "raw", since=9.0, unknown="why").fails(5) is None
    assert Step("create", "raw", since=0.1, until=0.2).fails(5) is False


def refined(mark: str = MARK, deleted: bool = False) -> dict[str, Any]:
    return {"shown": mark, "deleted": deleted}


@pytest.mark.parametrize(
    ("rows", "shown", "became"),
    [
        ([], [refined()], {}),
        ([], [refined(), refined("gone", deleted=True)], {}),
        ([], [], {}),  # it may just be written anew; whether it comes again is seen at the end
        ([], [refined("dsaudit-1-1")], {"row": "an older value"}),
        ([], [refined(), refined()], {"row": "2 refined rows"}),
        (
            [{**raw(2, True), "delivery_id": "d1 "}],
            [refined()],
            {"raw": "stored again, under the same id of a delivery"},
        ),
        (
            [{**raw(2, True), "delivery_id": None, "content_hash": "h1"}],
            [refined()],
            {"raw": "stored again, with equal content"},
        ),
        ([{**raw(2, True), "delivery_id": None, "content_hash": None}], [refined()], {}),
        ([{**raw(2, False), "content_hash": "h1"}], [refined()], {}),  # a sync's
        ([raw(2, True, mark="dsaudit-1-1")], [refined()], {}),  # a delivery of its own, late
    ],
)
def test_what_became_of_the_newest_version(rows: list[Any], shown: list[Any], became: dict[str, str]) -> None:
    earlier = Look("then", raw=[raw(1, True)])
    assert Look("now", raw=[raw(1, True), *rows], refined=shown).became(MARK, earlier, "d1") == became


def test_what_was_to_stay_and_was_not_looked_at_to_the_end_is_not_judged() -> None:
    still = Step("duplicate", "row", is_still=True)
    assert still.fails(5) is False
    still.unknown = "nobody looked to the end"
    assert still.fails(5) is None
    still.became = "an older value"
    assert still.fails(5) is True
