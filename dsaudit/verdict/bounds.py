"""What a uniform sample proves: how large a share of all can be wrong at most."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

CONFIDENCE = 95  # percent


def at_most(wrong: int, drawn: int) -> float:
    """Return the share (0 to 1) of wrong ones among all that `wrong` of `drawn` still allow, at 95 % confidence.

    The upper bound of C. Clopper and E. Pearson (Biometrika 26, 1934): the share at which so few wrong ones, or fewer,
    are drawn in 5 of 100 samples. Of none wrong it is about 3 / drawn, the rule of three.
    """
    if wrong >= drawn:
        return 1.0
    low, high = wrong / drawn, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _so_few(wrong, drawn, middle) > 1 - CONFIDENCE / 100 else (low, middle)
    return high


def _so_few(wrong: int, drawn: int, share: float) -> float:
    """Return the probability of at most `wrong` wrong ones in `drawn`, where a `share` of all is wrong."""
    return math.fsum(
        math.exp(
            math.lgamma(drawn + 1) - math.lgamma(one + 1) - math.lgamma(drawn - one + 1)
            + one * math.log(share) + (drawn - one) * math.log1p(-share)
        )
        for one in range(wrong + 1)
    ) if 0 < share < 1 else float(share <= 0)  # fmt: skip


def words(wrong: int, drawn: int, known: int) -> str:
    """Return a sample's result and its bound, such as ``0 of 3,000 wrong: at most 0.1 % at 95 %``."""
    found = f"{wrong:,} of {drawn:,} wrong"
    if drawn >= known:
        return f"{found}: these are all that our tables know"
    return f"{found}: at most {percent(at_most(wrong, drawn))} at {CONFIDENCE} %"


def percent(share: float) -> str:
    """Return a share in percent with two digits, never smaller than it is."""
    hundredths = 100 * share
    places = max(1 - math.floor(math.log10(hundredths)), 0)
    rounded = math.ceil(hundredths * 10**places - 1e-9) / 10**places
    return f"{min(rounded, 100):.10g} %"


MOST_NAMED = 3


def told(found: Mapping[str, Sequence[int]]) -> list[str]:
    """Return the results of samples, by resource wrong, drawn and known, in words; those alike in one sentence.

    The widest bound comes first.
    """
    alike: dict[str, list[str]] = {}
    for name, (wrong, drawn, known) in sorted(found.items(), key=lambda item: -widest(*item[1])):
        alike.setdefault(words(wrong, drawn, known), []).append(name)
    return [f"{_named(names)}: {text}" for text, names in alike.items()]


def widest(wrong: int, drawn: int, known: int) -> float:
    """Return the largest share of wrong ones that a sample still allows."""
    return wrong / drawn if drawn >= known else at_most(wrong, drawn)


def _named(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"{', '.join(names[:MOST_NAMED])}{more}{', each' if len(names) > 1 else ''}"
