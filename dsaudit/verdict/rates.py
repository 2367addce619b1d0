"""Rates with what they prove: how often something was seen, and how often it may be in truth."""

from __future__ import annotations

import math

CONFIDENCE = 95  # percent
DEVIATIONS = 1.959964  # within which of the mean so many percent of a normal distribution lie
NOT_MEASURED = "not measured"


def wilson(part: int, whole: int) -> tuple[float, float]:
    """Return the 95 % interval (two shares, 0 to 1) of a rate that was seen in `part` of `whole` trials.

    The score interval of E. B. Wilson (Journal of the American Statistical Association 22, 1927): it stays within 0
    and 1 and, unlike the usual one, is not empty where nothing or everything was seen.

    Raises
    ------
    ValueError
        `part` is not between 0 and `whole`, or there was no trial.
    """
    if not 0 <= part <= whole or whole == 0:
        raise ValueError(f"{part} of {whole} is no rate")
    share, square = part / whole, DEVIATIONS**2
    middle = share + square / (2 * whole)
    half = DEVIATIONS * math.sqrt(share * (1 - share) / whole + square / (4 * whole**2))
    low, high = ((middle + side * half) / (1 + square / whole) for side in (-1, 1))
    return (low if part else 0.0), (high if part < whole else 1.0)


def percent(part: int, whole: int) -> str:
    """Return a rate in percent; it reads 0 or 100 only where it is."""
    if part in (0, whole):
        return "100 %" if part else "0 %"
    return f"{min(max(100 * part / whole, 0.1), 99.9):.1f} %"


def interval(part: int, whole: int) -> str:
    """Return the interval in words, never narrower than it is: ``97.1 to 99.7 %``, ``at most 3.7 %``."""
    low, high = wilson(part, whole)
    lowest, highest = math.floor(1000 * low) / 10, math.ceil(1000 * high) / 10
    if part == 0:
        return f"at most {highest:.1f} %"
    if part == whole:
        return f"at least {lowest:.1f} %"
    return f"{lowest:.1f} to {highest:.1f} %"


def in_words(part: int, whole: int) -> str:
    """Return a rate with its interval: ``99.0 %, 95 % interval 97.1 to 99.7 %``; of no trial ``not measured``."""
    if not whole:
        return NOT_MEASURED
    named = f"{CONFIDENCE} % interval " if 0 < part < whole else ""
    return f"{percent(part, whole)}, {named}{interval(part, whole)}"
