"""Which failures follow from others: a root stands before its consequences, and these are no reasons of their own.

A check says in its header ``explains`` what would follow from its failure. Whether it does is judged by place: tenant
and resource, a nested resource counting as the one it stands in, and a topic as the one it speaks of; and declared
query. A failure follows from others when they cover every place of it; where they cover a part only, it comes after
them and is a reason of its own.

What was lost on the way from the source, most rows first, weighs more than any remark on how the system is made, and
what it may follow from weighs as much as it does in the same places.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dsaudit.parameters import Parameters
from dsaudit.verdict import SEVERITIES, Status

Record = dict[str, Any]
ACCURACY = "DS5."  # how the requirements begin that hold the rows against the source


@dataclass(frozen=True)
class Place:
    """Where something failed; None stands for everywhere, or for not told."""

    tenant: str | None
    resources: frozenset[str] | None
    query: str | None = None

    def covers(self, other: Place) -> bool:
        """Return whether a failure here reaches all of the other place."""
        same = self.tenant in (None, other.tenant) and self.query in (None, other.query)
        return same and (self.resources is None or bool(self.resources & (other.resources or set())))

    def meets(self, other: Place) -> bool:
        """Return whether the two places can have something in common."""
        pairs = ((self.tenant, other.tenant), (self.query, other.query))
        return all(None in pair or pair[0] == pair[1] for pair in pairs) and (
            self.resources is None or other.resources is None or bool(self.resources & other.resources)
        )


def rank(result: Record, parameters: Parameters) -> tuple[list[str], dict[str, list[str]]]:
    """Return all that is not green, the weightiest first and roots before consequences, and what explains each.

    The second holds only failures that others explain in every place, with the names of these, the weightiest first.
    """
    against = {v["check"]: v for v in result["verdicts"] if Status(v["status"]).rank >= Status.INCONCLUSIVE.rank}
    places = {name: _places(verdict, parameters) for name, verdict in against.items() if verdict["status"] == "fail"}
    roots: dict[str, list[str]] = {name: [] for name in against}
    for planned in result["plan"]:
        for name in planned["explains"]:
            if planned["check"] in places and name in places and name != planned["check"]:
                roots[name].append(planned["check"])
    touching = {name: [root for root in found if _touch(places[root], places[name])] for name, found in roots.items()}
    whole = {name for name, found in touching.items() if found and _covered(name, found, places)}
    order = _ordered(against, touching, whole, _lost(against, touching, places, parameters))
    follows = [name for name in order if name in whole and not _circular(name, touching)]
    return order, {name: sorted(touching[name], key=order.index) for name in follows}


def _touch(root: set[Place], consequence: set[Place]) -> bool:
    return any(one.meets(other) for one in root for other in consequence)


def _covered(name: str, roots: list[str], places: Mapping[str, set[Place]]) -> bool:
    return all(any(one.covers(place) for root in roots for one in places[root]) for place in places[name])


def _circular(name: str, touching: Mapping[str, list[str]]) -> bool:
    """Return whether a failure would be explained by itself: then nothing is left that explains it."""
    return name in _above(name, touching)


def _above(name: str, touching: Mapping[str, list[str]]) -> set[str]:
    """Return all that a failure may follow from, over any number of steps."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        for root in touching[waiting.pop()]:
            if root not in seen:
                seen.add(root)
                waiting.append(root)
    return seen


def _lost(
    against: Mapping[str, Record],
    touching: Mapping[str, list[str]],
    places: Mapping[str, set[Place]],
    parameters: Parameters,
) -> dict[str, int]:
    """Return how many rows differ from the source's by each failure, or in its places by one that may follow."""
    lost = dict.fromkeys(against, 0)
    for name, verdict in against.items():
        if verdict["status"] != "fail" or not any(one.startswith(ACCURACY) for one in verdict["requirement"]):
            continue
        lost[name] = max(lost[name], _total(verdict))
        totals = [(_place(one["scope"], parameters), int(one["total"])) for one in verdict["results"]]
        for root in _above(name, touching):
            own = sum(total for place, total in totals if any(one.meets(place) for one in places[root]))
            lost[root] = max(lost[root], own)
    return lost


def _ordered(
    against: Mapping[str, Record], touching: Mapping[str, list[str]], whole: set[str], lost: Mapping[str, int]
) -> list[str]:
    """Return the names so that none stands before what it may follow from, and else by weight."""
    left = sorted(against, key=lambda name: _weight(against[name], name in whole, lost[name]))
    order: list[str] = []
    while left:
        free = [name for name in left if not any(root in left for root in touching[name])]
        chosen = (free or left)[0]
        left.remove(chosen)
        order.append(chosen)
    return order


def _weight(verdict: Record, explained: bool, lost: int) -> tuple[bool, bool, int, int, int]:
    return verdict["status"] != "fail", explained, -lost, SEVERITIES.index(verdict["severity"]), -_total(verdict)


def _total(verdict: Record) -> int:
    return sum(int(one["total"]) for one in verdict["results"])


def _places(verdict: Record, parameters: Parameters) -> set[Place]:
    """Return where a verdict fails: by its rows where these tell it, else by its scopes."""
    scopes = [one["scope"] for one in verdict["results"] if one["status"] == "fail"]
    return {_place(told, parameters) for told in verdict["places"] or scopes}


def _place(told: Mapping[str, Any], parameters: Parameters) -> Place:
    resources = [told["resource"]] if told.get("resource") else []
    for relation in parameters.relations:
        if relation.name == told.get("relation"):
            resources += [relation.child.partition(".")[0], relation.parent.partition(".")[0]]
    tops = frozenset(_top(str(name), parameters) for name in resources)
    return Place(told.get("tenant"), tops or None, told.get("query"))


def _top(resource: str, parameters: Parameters) -> str:
    declared = parameters.resources.get(resource)
    return _top(declared.nested.in_, parameters) if declared and declared.nested else resource
