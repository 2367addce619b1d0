"""Which long lists are compared before the phases: those that a check needs, in pieces that are worth a process."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from dsaudit.checks import Planned
from dsaudit.parameters import Parameters
from dsaudit.parameters.resource import LONG_LIST

ENOUGH = 200_000  # records that take about as long to compare as a process to start

Segment = tuple[str, str]  # resource, tenant


def pieces(plan: Iterable[Planned], parameters: Parameters, recording: Path, jobs: int) -> list[list[Segment]]:
    """Return the long lists that the checks of a plan compare, the longest first, in pieces to be done at once.

    There are at most so many as `jobs`, if any are given, and of one job none: what is done at once with nothing is not
    done any sooner.
    """
    index = recording / "index.json"
    if jobs == 1 or not (any(_compares(one) for one in plan) and index.is_file()):
        return []
    found = sorted(_long(parameters, json.loads(index.read_text(encoding="utf-8"))), reverse=True)
    total = sum(count for count, *_ in found)
    return _cut(found, max(ENOUGH, -(-total // jobs)) if jobs else ENOUGH)


def _compares(planned: Planned) -> bool:
    """Return whether a check holds the source's records against the tables."""
    return not planned.skipped and "differences" in planned.check.listed("tolerates")


def _long(parameters: Parameters, index: dict[str, Any]) -> Iterator[tuple[int, str, str]]:
    for tenant in parameters.tenant_names:
        lists = index["tenants"].get(tenant, {}).get("resources", {})
        for name, resource in parameters.resources.items():
            entry = lists.get(name, {})
            count = 0 if entry.get("problem") or entry.get("part") else entry.get("records", 0)
            if count >= LONG_LIST and resource.has_own_id:
                yield count, name, tenant


def _cut(found: Sequence[tuple[int, str, str]], enough: int) -> list[list[Segment]]:
    """Put lists together until they are enough for a piece."""
    cut: list[list[Segment]] = []
    held = enough
    for count, name, tenant in found:
        if held >= enough:
            cut.append([])
            held = 0
        cut[-1].append((name, tenant))
        held += count
    return cut
