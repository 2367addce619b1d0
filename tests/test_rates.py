"""A rate tells how sure it is, and never more than it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsaudit.verdict.rates import in_words, interval, percent, wilson


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [
        (0, 100, 0, 3.70),
        (300, 300, 98.74, 100),
        (297, 300, 97.10, 99.66),
        (1, 1, 20.65, 100),
        (5, 10, 23.66, 76.34),
        (81, 263, 25.53, 36.62),  # an example of R. G. Newcombe (Statistics in Medicine 17, 1998), method 3
        (15, 148, 6.24, 16.05),  # the second one
    ],
)
def test_the_interval_is_wilsons(part: int, whole: int, low: float, high: float) -> None:
    assert [100 * share for share in wilson(part, whole)] == pytest.approx([low, high], abs=0.006)


@given(st.integers(1, 10_000).flatmap(lambda whole: st.tuples(st.integers(0, whole), st.just(whole))))
def test_the_interval_holds_the_rate_and_is_its_own_mirror(of: tuple[int, int]) -> None:
    part, whole = of
    low, high = wilson(part, whole)
    assert 0 <= low <= part / whole <= high <= 1 and low < high
    assert wilson(whole - part, whole) == pytest.approx((1 - high, 1 - low))


@pytest.mark.parametrize(("part", "whole"), [(0, 0), (-1, 3), (4, 3)])
def test_what_is_no_rate_is_refused(part: int, whole: int) -> None:
    with pytest.raises(ValueError, match=f"{part} of {whole} is no rate"):
        wilson(part, whole)


@pytest.mark.parametrize(
    ("part", "whole", "words"),
    [
        (297, 300, "99.0 %, 95 % interval 97.1 to 99.7 %"),
        (0, 100, "0 %, at most 3.7 %"),
        (300, 300, "100 %, at least 98.7 %"),
        (0, 0, "not measured"),
    ],
)
def test_a_rate_in_words(part: int, whole: int, words: str) -> None:
    assert in_words(part, whole) == words


def test_what_is_nearly_all_or_nothing_does_not_read_so() -> None:
    assert (percent(9999, 10_000), percent(1, 10_000)) == ("99.9 %", "0.1 %")
    assert interval(9999, 10_000) == "99.9 to 100.0 %"
