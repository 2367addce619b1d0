"""Runs checks in this process, as a notebook would, on a system that a test has at hand."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from dsaudit import audit, checks, codebase
from dsaudit.parameters import Parameters
from dsaudit.run.decide import decide
from dsaudit.run.rows import read_rows
from dsaudit.verdict import Verdict

Verdicts = dict[str, Verdict]


@contextlib.contextmanager
def variables(values: Mapping[str, str]) -> Iterator[None]:
    """Have these environment variables for as long as the block."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


_READ: dict[str, codebase.Code] = {}


def _read_once(folder: Path) -> codebase.Code:
    """Read a folder of code that was read before, byte for byte, only once: most faults leave the code as it is."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(f"{path.relative_to(folder)}\0{path.read_text(encoding='utf-8')}\0".encode())
    key = digest.hexdigest()
    if key not in _READ:
        _READ[key] = codebase.read(folder)
    return _READ[key]


@contextlib.contextmanager
def opened(parameters: Path, environment: Mapping[str, str], **part: Any) -> Iterator[audit.Audit]:
    """Open an audit, perhaps of a part, as a notebook opened by hand does."""
    with variables({**environment, "JPY_SESSION_NAME": "a test"}):
        one = audit.open(str(parameters), "datasource/a_test", **{"probe": True, **part})
        if one.parameters.code:
            one.code = _read_once(one.parameters.folder(one.parameters.code.folder))  # type: ignore[misc]
        try:
            yield one
        finally:
            one.close()


def verdicts(parameters: Path, environment: Mapping[str, str], names: Iterable[str] | None = None) -> Verdicts:
    """Run every check, or those named, and return their verdicts."""
    with opened(parameters, environment) as one:
        if one.parameters.source:
            assert one.source.index  # read before the first check: the snapshot is renewed after it
        return {name: one.check(name) for name in (checks.all_checks() if names is None else names)}


def all_rows(one: audit.Audit, verdict: Verdict) -> list[dict[str, object]]:
    """Return the rows that a verdict found, whole and unmasked."""
    if verdict.rows_file is None:
        return []
    path = one.private / Path(verdict.rows_file).relative_to("private")
    return read_rows(path)


def decision(parameters: Parameters, found: Verdicts) -> dict[str, Any]:
    """Decide as a run does, of which these are the verdicts: its reasons, and the order in which they are told."""
    known = checks.all_checks()
    plan = [
        {"check": name, "required": True, "skipped": None, "explains": known[name].listed("explains")} for name in found
    ]
    result = {"plan": plan, "verdicts": [verdict.to_json() for verdict in found.values()], "problems": []}
    decide(result, parameters, {})
    return result


def told(verdict: Verdict) -> str:
    """Return a verdict in words, for a failed assertion."""
    from dsaudit.verdict import card

    return card.text(verdict.to_json()) + "\n" + "\n".join(str(row) for row in verdict.rows[:5])
