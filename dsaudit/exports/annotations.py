"""Annotations of GitHub Actions: lines that its log turns into remarks beside the run and the code."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any

from dsaudit.exports.places import code_folder, places
from dsaudit.exports.words import because, plain
from dsaudit.verdict.card import plural

Record = dict[str, Any]
MOST = 10  # of each kind that GitHub shows of a step


def workflow_commands(result: Record) -> list[str]:
    """Return a line for each check that is not green, the weightiest first, at most `MOST` of errors and of warnings.

    Where there are more, the last line of their kind says how many.
    """
    told = {verdict["check"]: verdict for verdict in result["verdicts"]}
    ordered = [told[check] for check in result["order"] if check in told]
    errors = [_line("error", verdict, result) for verdict in ordered if verdict["status"] == "fail"]
    warnings = [_line("warning", one, result) for one in ordered if one["status"] in ("error", "inconclusive")]
    warnings += [f"::warning title=dsaudit::{_data(plain(problem))}" for problem in result["problems"]]
    return [*_first("error", errors), *_first("warning", warnings)]


def _first(kind: str, lines: list[str]) -> Iterator[str]:
    if len(lines) <= MOST:
        yield from lines
        return
    yield from lines[: MOST - 1]
    yield f"::{kind} title=dsaudit::{len(lines) - MOST + 1} more in the report"


def _line(kind: str, verdict: Record, result: Record) -> str:
    rows = sum(one["total"] for one in verdict["results"])
    said = f"not so, {plural(rows, 'row')}" if kind == "error" else f"{verdict['status']}, {because(verdict)}"
    title = f"title={_property(verdict['check'])}"
    folder, place = code_folder(result), next(places(verdict), None)
    if folder is not None and place:
        file = posixpath.normpath(posixpath.join(folder, place.file))
        title = f"file={_property(file)},line={place.line},{title}"
    return f"::{kind} {title}::{_data(plain(verdict['claim']) + ': ' + said)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(plain(text)).replace(":", "%3A").replace(",", "%2C")
