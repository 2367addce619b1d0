"""The table of causes: complete, in order, and silent where nothing is known."""

from __future__ import annotations

import re
from inspect import getsource

import pandas as pd
import pytest

from dsaudit.parameters import Resource
from dsaudit.reconcile import lists
from dsaudit.reconcile.lists import Listed
from dsaudit.verdict import card, causes

# Section 8 of the requirements, in its order.
MISSING = re.findall(
    r"\w+",
    """NOT_YET_DUE IN_FLIGHT SCOPE_HIDDEN POLICY_EXCLUDED API_DEFAULT_FILTER PAGE_BOUNDARY CURSOR_SKIPPED FETCH_ERROR
    TOPIC_NOT_SUBSCRIBED UNDELIVERED REJECTED_SIGNATURE NEVER_RECEIVED REFINE_PENDING REFINE_ERROR FALSE_DEDUP
    WRONG_TENANT LOCALLY_DELETED PARENT_MISSING PARTIAL_HELD""",
)
DIFFERENT = re.findall(
    r"\w+",
    """STALE_OVERWRITE MISSED_UPDATE REFINE_WRONG PARTIAL_PAYLOAD TRUNCATED_CHILDREN UNIT_OR_SCALE TIMEZONE PRECISION
    ENCODING""",
)
EXTRA = ["MISSED_DELETE", "DUPLICATE_IDENTITY", "FOREIGN_TENANT", "MERGED_AT_SOURCE", "GHOST"]
LATER = ["HEALED_LATE"]  # what only a second look tells
KINDS = ["missing in raw", "missing", "old in raw", "field", "extra"]


def test_every_cause_of_the_requirements_is_there_in_the_order_of_the_way() -> None:
    assert set(causes.CAUSES) == {*MISSING, *DIFFERENT, *EXTRA, *LATER}
    codes = [cause.code for cause in causes.TABLE if cause.code in MISSING and not cause.otherwise]
    assert list(dict.fromkeys(codes)) == MISSING
    assert {"IN_FLIGHT", "NOT_YET_DUE", "POLICY_EXCLUDED", "MERGED_AT_SOURCE"} == causes.EXPECTED
    assert {cause.group for cause in causes.TABLE} == set(causes.GROUPS) - {"unexplained"}


@pytest.mark.parametrize("kind", KINDS)
def test_where_no_fact_is_known_no_cause_is_given(kind: str) -> None:
    named = set(re.findall(r"\bf\.(\w+)", getsource(causes)))
    flags = set(re.findall(r"~f\.(\w+)", getsource(causes))) | {"unreached", "unrefined", "in_flight", "just_received"}
    flags |= {"has_raw", "partial", "removed", "too_large", "refined_present", "sourceless", "silent_since_change"}
    flags |= {"never_accepted", "run_saw", "healed", "arrived", "answered"}
    instants = {name for name in named if re.search(r"(_at|_run|_since|instant|_changed)$", name)}
    nothing = pd.DataFrame({name: pd.Series([None], dtype=object) for name in named})
    nothing = nothing.assign(**{name: pd.Series([False]) for name in named & flags})
    nothing = nothing.assign(**{name: pd.Series([pd.NaT], dtype="datetime64[us, UTC]") for name in instants})
    given = [one.code for one in causes.TABLE if kind in one.explains and bool(pd.Series(one.when(nothing)).iloc[0])]
    assert given == []


def test_the_card_tells_groups_in_plain_words_before_codes() -> None:
    counts = {"REFINE_ERROR": 1, "UNDELIVERED": 2, "IN_FLIGHT": 3, "UNEXPLAINED": 1}
    shown = re.sub(r"<[^>]+>", "", card._causes(counts))
    assert shown == (
        "Why: late 3 IN_FLIGHT (no fault); not sent 2 UNDELIVERED; not refined 1 REFINE_ERROR; "
        "unexplained 1 UNEXPLAINED."
    )


# What a run must have read


def at(day: int) -> pd.Timestamp:
    return pd.Timestamp(2026, 1, day, tz="UTC")


RECORDS = [Listed(str(day), at(day), at(day), day % 2 == 0) for day in range(1, 10)]
ORDERS = Resource.model_validate(
    {"table": "t", "key": "id", "known": {"created": "c", "by_default": {"a": 1}, "aged": {"scope": "s", "days": 3}}}
)


def read(
    fetched: int, watermark: int | None, pages: int = 1, cursor: int | None = None, *missed: str, size: int = 3
) -> lists.Reading:
    run = {"started_at": at(15), "fetched": fetched, "pages": pages, "watermark": watermark and at(watermark)}
    return lists.reading(ORDERS, RECORDS, run, cursor and at(cursor), missed, {size})


def test_a_run_is_explained_by_the_only_way_of_reading_that_gives_its_figures() -> None:
    assert read(9, 9).saw_all
    assert (read(3, 3).way, read(3, 3).seen) == ("first", {"1", "2", "3"})
    assert read(4, 8).way == "default"
    assert read(3, 9).way == "aged"
    assert read(2, 9, 1, 7, "1").way is None, "the youngest two, or what changed after the seventh: nobody can tell"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (read(3, 4), "the latest change read is none of theirs"),
        (read(3, 3, 2), "a page that is not full is the last one"),
        (read(3, 3, 1, None, "2"), "one of them never came"),
        (read(3, 3, size=10), "the source's pages have another size"),
        (read(0, None), "a run that read nothing tells nothing"),
        (read(5, None), "there is no watermark"),
    ],
)
def test_no_way_of_reading_is_believed_on_half_of_its_figures(given: lists.Reading, why: str) -> None:
    assert (given.way, given.saw_all) == (None, False), why


FEED = [Listed(str(number), at(1), at(2) if number < 6 else at(3), True) for number in range(1, 10)]


def fed(fetched: int, pages: int, watermark: int, *missed: str, size: int = 3) -> lists.Reading:
    run = {"started_at": at(15), "fetched": fetched, "pages": pages, "watermark": at(watermark)}
    table = Resource.model_validate({"table": "t", "key": "id"})
    return lists.reading(table, FEED, run, at(1), missed, {size})


def test_what_stands_behind_the_end_of_a_page_of_a_feed_is_passed_by() -> None:
    past_one_time, one_page = fed(6, 2, 3, "4", "5", "9"), fed(3, 1, 2, "4", "5")
    assert (past_one_time.way, past_one_time.seen) == ("edge", {"1", "2", "3", "6", "7", "8"})
    assert (one_page.way, one_page.seen) == ("edge", {"1", "2", "3"})
    assert fed(3, 1, 2, "3").way is None, "one of the page never came"
    assert fed(6, 2, 3, "4", "5", "9", size=10).way is None, "the source's pages have another size"


def test_a_cursor_may_be_held_against_when_records_were_made() -> None:
    records = [Listed("1", at(1), at(9), True), *(Listed(str(day), at(day), at(day), True) for day in range(3, 6))]
    run = {"started_at": at(15), "fetched": 2, "pages": 1, "watermark": at(5)}
    read = lists.reading(Resource.model_validate({"table": "t", "key": "id"}), records, run, at(3), {"1"})
    assert (read.way, read.seen) == ("cursor", {"4", "5"})


def test_a_record_made_after_the_run_was_not_there_to_be_read() -> None:
    run = {"started_at": at(5), "fetched": 5, "pages": 1, "watermark": at(5)}
    assert lists.reading(ORDERS, RECORDS, run, None, ()).saw_all


def paged(fetched: int, pages: int, *missed: str) -> lists.Reading:
    run = {"started_at": at(15), "fetched": fetched, "pages": pages, "watermark": at(9)}
    return lists.reading(Resource.model_validate({"table": "t", "key": "id"}), RECORDS, run, None, missed)


def test_a_page_in_the_middle_is_told_by_the_figures_and_by_what_never_came() -> None:
    assert (paged(6, 2, "5").way, paged(6, 2, "5").seen) == ("page", {"1", "2", "3", "7", "8", "9"})
    assert paged(6, 2).way is None, "where nothing is missing no page is"
    assert paged(7, 4, "5", "6").seen == {"1", "2", "3", "4", "7", "8", "9"}
    assert paged(6, 1).way is None, "what is left does not stand on one page of that size"
    assert paged(6, 2, "4", "7").way is None, "these two stand on no page together"
    assert paged(8, 8).way is None, "of a single one nobody can say that it was a page"
    assert paged(6, 2, "1").way is None, "the first page is no page in the middle"


def test_what_stands_side_by_side_in_the_list_is_counted() -> None:
    assert lists.neighbours(RECORDS, {"2", "3", "4", "8"}) == {"2": 3, "3": 3, "4": 3, "8": 1}
