"""Topics that the code handles."""

from __future__ import annotations

import pytest

from dsaudit.codebase import handlers, list_literal
from tests.programs import code_of, sample_code
from tests.topics import FUNCTIONS, HANDLED, TABLE, TOPICS, states


@pytest.mark.parametrize("way", HANDLED)
def test_topics_are_found_in_each_way_of_handling_them(way: str) -> None:
    topics = [*TOPICS, "customers/create", "app/uninstalled"]
    assert states(HANDLED[way], topics, **TABLE) == [*["found"] * 3, *["absent"] * 2]


def test_the_place_is_that_of_the_entry_case_or_decorator() -> None:
    found = handlers(code_of(FUNCTIONS + HANDLED["mapping from another module, grown"], **TABLE), TOPICS)
    first = len(FUNCTIONS.splitlines())
    assert [(one.file, one.line) for one in found.values()] == [
        ("app/table.py", 2),
        ("main.py", first + 3),
        ("main.py", first + 4),
    ]


# --- the sample's own code


def test_the_sample_wants_thirty_four_topics_and_handles_each() -> None:
    code = sample_code()
    topics = list_literal(code, "topics")
    assert (len(set(topics.values)), topics.unresolved) == (34, ())
    found = handlers(code, [str(topic) for topic in topics.values])
    assert {one.state for one in found.values()} == {"found"}
    assert len({one.line for one in found.values()}) == 34


def test_a_handler_taken_away_from_the_sample_is_missed_and_no_other() -> None:
    entry = '    "inventory_levels/update": _version_of("inventory_level"),\n'
    code = sample_code(("/shopify_webhooks.py", entry, ""))
    found = handlers(code, [str(topic) for topic in list_literal(code, "topics").values])
    assert [topic for topic, one in found.items() if one.state != "found"] == ["inventory_levels/update"]
    assert found["inventory_levels/update"].state == "absent"
