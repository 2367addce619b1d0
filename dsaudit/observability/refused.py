"""What promtool says is wrong, sorted out: one refusal for each rule, and for each unit test that fails."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

LONGEST = 500  # signs of one part of a refusal

_OF_A_RULE = re.compile(r'(?:\d+:\d+: )?group "(?P<group>.*?)", rule (?P<number>\d+), "(?P<name>.*?)": (?P<problem>.*)')
_OF_A_TEST = re.compile(
    r"(?:name: (?P<test>.*?), )?(?:alertname: (?P<alert>.*?)|expr: (?P<expr>\".*?\")), time: (?P<time>\w+),"
    r" (?:err: (?P<error>.*)|exp: ?(?P<expected>.*?),? got: ?(?P<got>.*))"
)


@dataclass(frozen=True)
class Refusal:
    """What is wrong with a rule, or in a test with an alert or an expression; what a test expected, and what it got."""

    problem: str
    rule: str = ""
    test: str = ""
    expected: str = ""
    got: str = ""


def of_rules(lines: Iterable[str], file: str) -> list[Refusal]:
    """Return what is wrong with each rule of a file, by the lines that promtool says; all of one rule together."""
    found: dict[str, Refusal] = {}
    for text in _joined(lines, (f"{file}: ",)):
        told = text.removeprefix(f"{file}: ")
        match = _OF_A_RULE.fullmatch(told)
        if match is None:
            found[told] = Refusal(told[:LONGEST])
            continue
        rule = match["name"] or f"rule {match['number']} of {match['group']}"
        before = found.get(f"rule {rule}")
        problem = f"{before.problem}; {match['problem']}" if before else match["problem"]
        found[f"rule {rule}"] = Refusal(problem[:LONGEST], rule)
    return list(found.values())


def of_tests(lines: Iterable[str]) -> list[Refusal]:
    """Return what became of each alert or expression that a unit test asks for and does not get."""
    return [_of_a_test(text) for text in _blocks(lines)]


def _of_a_test(text: str) -> Refusal:
    match = _OF_A_TEST.fullmatch(text)
    if match is None:
        return Refusal(text[:LONGEST])
    rule, test = (
        _asked(match["alert"] or match["expr"]),
        ", ".join(filter(None, (match["test"], f"at {match['time']}"))),
    )
    if match["error"]:
        return Refusal(match["error"][:LONGEST], rule[:LONGEST], test)
    expected, got = _shown(match["expected"]), _shown(match["got"])
    if match["expr"]:
        problem = "has another value"
    else:
        problem = "fires" if not expected else "does not fire" if not got else "fires otherwise"
    one = Refusal(problem, rule[:LONGEST], test)
    return replace(one, expected=expected[:LONGEST] or "nothing", got=got[:LONGEST] or "nothing")


def _asked(quoted: str) -> str:
    """Return the alert or the expression that a test asks for; of one that asks whether an alert fires, the alert."""
    plain = quoted.strip('"').replace('\\"', '"').replace("\\n", " ").strip()
    fires = re.fullmatch(r'ALERTS\{[^{}]*alertname="(\w+)"[^{}]*\}', plain)
    return fires[1] if fires else plain


def _shown(alerts: str) -> str:
    """Return alerts or samples on one line, without the brackets and numbers of promtool's list."""
    inner = alerts.strip().rstrip(",").removeprefix("[").removesuffix("]").strip()
    return "" if inner == "nil" else re.sub(r"(?:^|(?<= ))\d+: (?=Labels:)", "", inner)


def _blocks(lines: Iterable[str]) -> Iterator[str]:
    """Yield what belongs to one failure on one line: what was asked, what was expected, and what there was."""
    block: list[str] = []
    for line in lines:
        # A test's name stands on a line of its own before what fails in it.
        follows_a_name = len(block) == 1 and block[0].startswith("name:")
        if block and line.startswith(("name:", "alertname:", "expr:")) and not follows_a_name:
            yield " ".join(block)
            block = []
        block.append(line)
    if block:
        yield " ".join(block)


def _joined(lines: Iterable[str], begins: tuple[str, ...]) -> Iterator[str]:
    """Yield the lines that begin so, each with those that follow it."""
    whole = ""
    for line in lines:
        if whole and line.startswith(begins):
            yield whole
            whole = ""
        whole = f"{whole} {line}".strip()
    if whole:
        yield whole
