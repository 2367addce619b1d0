"""Words that messages share."""

from __future__ import annotations

import pytest

from dsaudit.wording import span


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.0432, "43.2 ms"),
        (0.99999, "1 s"),
        (5.25, "5.25 s"),
        (59.999, "1 min"),
        (185, "3 min 5 s"),
        (3600, "1 h"),
        (78_390, "21 h 46 min"),
        (86_399, "24 h"),
        (86_400, "1 day"),
        (183_600, "2 days 3 h"),
        (364 * 86_400, "364 days"),
        (-78_390, "-21 h 46 min"),
    ],
)
def test_a_length_of_time_has_its_own_units(seconds: float, words: str) -> None:
    assert span(seconds) == words
