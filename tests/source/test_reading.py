"""The text of each record is cut out of its page as it stands, whatever stands around it."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from dsaudit.source import SourceError
from dsaudit.source.exact import json_of
from dsaudit.source.reading import count_in, parse, records_in, strictly

TEXTS = some.text(some.characters(codec="utf-8"), max_size=4)
NUMBERS = some.integers() | some.decimals(allow_nan=False, allow_infinity=False)
VALUES: Any = some.recursive(
    some.none() | some.booleans() | TEXTS | NUMBERS,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
BLANKS = some.sampled_from(["", " ", "\n", "\r\n\t "])


def written(value: Any, blanks: Any, draw: Any) -> str:
    """Return a value as JSON with blanks wherever they may stand."""
    blank = lambda: draw(blanks)  # noqa: E731
    if isinstance(value, dict):
        parts = (f"{blank()}{json.dumps(name)}{blank()}:{written(one, blanks, draw)}" for name, one in value.items())
        return f"{blank()}{{{','.join(parts)}{blank()}}}{blank()}"
    if isinstance(value, list):
        return f"{blank()}[{','.join(written(one, blanks, draw) for one in value)}{blank()}]{blank()}"
    return f"{blank()}{json_of(value)}{blank()}"


@given(some.lists(VALUES, max_size=4), some.dictionaries(TEXTS, VALUES, max_size=3), some.data())
def test_records_are_cut_out_of_their_page(records: list[Any], beside: dict[str, Any], data: Any) -> None:
    inner = {**beside, "list": records}
    text = written({**beside, "in": inner}, BLANKS, data.draw)
    found = records_in(text, strictly(text, "page"), "in.list", "page")
    assert [record.value for record in found] == records
    for record in found:
        assert record.text in re.sub(r"[\n\r]+", " ", text)
        assert "\n" not in record.text and "\r" not in record.text
        assert parse(record.text) == record.value


@given(VALUES)
def test_values_are_written_so_that_they_read_back(value: Any) -> None:
    assert parse(json_of(value)) == value


@pytest.mark.parametrize(
    ("body", "count"),
    [
        (3, 3),
        ({"count": 3}, 3),
        ({"count": 0, "ok": True}, 0),
        ({"data": {"a": {"n": 4}}, "extensions": {"cost": 1}}, 4),
    ],
)
def test_a_count_is_the_only_number(body: Any, count: int) -> None:
    assert count_in(body, "count") == count


@pytest.mark.parametrize(
    "body", [{}, [], "3", {"a": 1, "b": 2}, {"count": -1}, {"count": True}, {"count": Decimal("1.5")}]
)
def test_what_is_no_count_is_refused(body: Any) -> None:
    with pytest.raises(SourceError, match="expected one number"):
        count_in(body, "count")
