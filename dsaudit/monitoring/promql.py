"""Which metrics a PromQL expression asks for: it is read word by word, and neither checked nor run."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile

WORD = re.compile(
    r"""(?P<blank>\s+|\#[^\n]*)
    | (?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)
    | (?P<number>[0-9][\w.]*)
    | (?P<name>[a-zA-Z_:][\w:]*)
    | (?P<sign>=~|!~|!=|==|.)""",
    re.VERBOSE | re.DOTALL,
)
GROUPING = {"by", "without", "on", "ignoring", "group_left", "group_right"}  # a list of labels may follow
BETWEEN = {"and", "or", "unless", "bool", "offset", "atan2", "inf", "nan"}
AGGREGATING = {
    *("sum", "min", "max", "avg", "group", "stddev", "stdvar", "count", "count_values", "bottomk", "topk", "quantile"),
    *("limitk", "limit_ratio"),
}
ABSENT = {"absent", "absent_over_time"}
CLOSING = {"(": ")", "{": "}", "[": "]"}


@dataclass(frozen=True)
class Selector:
    """The series that an expression asks for: a metric, its labels' conditions, and whether only for being gone."""

    metric: str
    labels: tuple[tuple[str, str, str], ...] = ()  # label, sign, value
    is_absent: bool = False
    above: float | None = None  # the number beyond which it counts; NaN if it is no plain number, None if there is none

    def takes(self, labels: Mapping[str, str]) -> bool:
        """Return whether it takes a series with these labels; of others it may ask what it likes."""
        return all(_holds(labels[label], sign, value) for label, sign, value in self.labels if label in labels)


class NotPromql(ValueError):
    """The expression cannot be read."""


def selectors(expression: str) -> list[Selector]:
    """Return what an expression asks for, in its order.

    Raises
    ------
    NotPromql
        A bracket has no counterpart, what stands between braces is no condition, or it is a pattern of names.
    """
    words = [(kind, match[0]) for match in WORD.finditer(expression) if (kind := str(match.lastgroup)) != "blank"]
    ends, found, inside, place = _pairs(words), [], [], 0
    while place < len(words):
        kind, word = words[place]
        after = words[place + 1][1] if place + 1 < len(words) else ""
        step = 1
        if word == "(":
            inside.append(words[place - 1][1].lower() if place else "")
        elif word == ")":
            inside.pop()
        elif word == "[":
            step = ends[place] - place + 1
        elif kind == "name" and word.lower() in GROUPING:
            step = ends[place + 1] - place + 1 if after == "(" else 1
        elif word == "{" or (kind == "name" and not _is_word_of_the_language(word, after)):
            start = place if word == "{" else place + 1
            braces = words[start + 1 : ends[start]] if start < len(words) and words[start][1] == "{" else []
            named, labels = _conditions(braces)
            metric = word if word != "{" else named
            step = ends[start] - place + 1 if start in ends and words[start][1] == "{" else 1
            above = _above(words, place, place + step)
            found += [Selector(metric, labels, not ABSENT.isdisjoint(inside), above)] if metric else []
        place += step
    return found


def _is_word_of_the_language(word: str, after: str) -> bool:
    is_called = after == "("
    aggregates = word.lower() in AGGREGATING and after.lower() in ("by", "without")
    return is_called or aggregates or word.lower() in BETWEEN


def _pairs(words: list[tuple[str, str]]) -> dict[int, int]:
    """Return for each opening bracket the place of its counterpart."""
    ends: dict[int, int] = {}
    opened: list[int] = []
    for place, (kind, word) in enumerate(words):
        if kind == "sign" and word in CLOSING:
            opened.append(place)
        elif kind == "sign" and word in CLOSING.values():
            if not opened or CLOSING[words[opened[-1]][1]] != word:
                raise NotPromql(f"a {word} has no counterpart")
            ends[opened.pop()] = place
    if opened:
        raise NotPromql(f"a {words[opened[0]][1]} has no counterpart")
    return ends


def _above(words: list[tuple[str, str]], start: int, end: int) -> float | None:
    """Return the number that what stands between two places is held to be greater than."""
    before = start
    while before and (words[before - 1][1] in ("(", ")", ",") or words[before - 1][0] == "name"):
        before -= 1
    if {word.lower() for _, word in words[before:start]} & {"and", "or", "unless"}:
        before = 0
    signs = "".join(word for _, word in words[max(before - 2, 0) : before])
    if (before > 2 and signs.endswith("<=")) or (before > 1 and signs.endswith("<")):
        return _number([words[before - (3 if signs.endswith("=") else 2)]])
    depth = outer = 0
    is_plain = True
    for place in range(end, len(words)):
        word = words[place][1]
        depth += (word in CLOSING) - (word in CLOSING.values())
        outer = min(depth, outer)
        if depth > outer:
            continue
        if word in ("<", "==", "!=") or word.lower() in ("and", "or", "unless"):
            return None
        if word == ">":
            number = _number([one for one in words[place + 1 :] if one[1] not in ("=", "bool")])
            return number if is_plain or number == math.inf else math.nan
        is_plain = is_plain and word not in "+-*/%^"
    return None


def _number(words: list[tuple[str, str]]) -> float:
    """Return the number with which these words begin, a product perhaps; NaN if it is another expression."""
    run = [word for _, word in takewhile(lambda one: one[0] == "number" or one[1] in (*"+-*/%^", "Inf", "inf"), words)]
    text, behind = "".join(run), words[len(run) : len(run) + 1]
    if not behind or behind[0][1].lower() in (")", "and", "or", "unless"):
        with suppress(ValueError):
            return math.prod(float(one) for one in text.split("*"))
    return math.nan


def _conditions(words: list[tuple[str, str]]) -> tuple[str, tuple[tuple[str, str, str], ...]]:
    """Return the metric's name, where braces tell it, and the conditions on labels."""
    metric, labels, part = "", [], list[tuple[str, str]]()
    for kind, word in [*words, ("sign", ",")]:
        if word != ",":
            part.append((kind, word))
            continue
        if [kind for kind, _ in part] == ["text"]:
            metric = _value(part[0][1])
        elif len(part) == 3 and part[1][1] in ("=", "!=", "=~", "!~") and part[2][0] == "text":
            label, sign, value = part[0][1].strip("\"'`"), part[1][1], _value(part[2][1])
            if label == "__name__" and sign != "=":
                raise NotPromql(f"which metrics {label}{sign}{part[2][1]} takes is not followed")
            metric = value if (label, sign) == ("__name__", "=") else metric
            labels += [(label, sign, value)] if label != "__name__" else []
        elif part:
            raise NotPromql(f"{' '.join(word for _, word in part)} is no condition on a label")
        part = []
    return metric, tuple(labels)


def _value(text: str) -> str:
    return text[1:-1] if text[0] == "`" else re.sub(r"\\(.)", r"\1", text[1:-1])


def _holds(given: str, sign: str, value: str) -> bool:
    try:
        same = given == value if sign in ("=", "!=") else re.fullmatch(value, given) is not None
    except re.error:
        return True  # Go's expressions are others in places; what we cannot tell is no reproach
    return same is not sign.startswith("!")
