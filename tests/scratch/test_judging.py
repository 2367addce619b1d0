"""What is proven where much of what should be tried on the copy could not be."""

from __future__ import annotations

import pytest

from dsaudit.facts.scratch import Tried
from dsaudit.functions.scratch import _judged

UNTOLD = ["shop.carts.total: no value was found"]


@pytest.mark.parametrize(
    ("decided", "of", "reason"),
    [
        (3, 4, None),
        (2, 4, "2 of 4 could be tried: shop.carts.total: no value was found"),
        (0, 4, "nothing could be tried: shop.carts.total: no value was found"),
    ],
)
def test_the_little_that_was_tried_proves_nothing(decided: int, of: int, reason: str | None) -> None:
    assert list(_judged(Tried(), [], decided, of, UNTOLD)[1]["reason"]) == [reason]


def test_what_was_let_in_counts_however_little_was_tried() -> None:
    rows, examined = _judged(Tried(), [{"table": "shop.carts"}], 1, 4, UNTOLD)
    assert len(rows) == 1 and list(examined["reason"]) == [None]
