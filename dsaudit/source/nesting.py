"""Notes what records hold of a resource that is nested in them, and says what speaks against its being whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dsaudit.parameters import Parameters
from dsaudit.source.doubles import Ids
from dsaudit.source.reading import value_at
from dsaudit.source.recording import inside, items_in
from dsaudit.verdict.card import plural

# What providers set beside a list that they cut: a flag, the address or cursor of the rest, or how many there are.
FLAGS = ("has_more", "hasMore", "pageInfo.hasNextPage")
NEXT = ("next", "paging.next")
TOTALS = ("total_count", "totalCount")
MOST_SHARED = 1000  # ids that the index names


@dataclass
class Inside:
    """What the records of an own list showed of the resource `name`, which is nested in them."""

    parameters: Parameters
    name: str
    ids: Ids
    parents: int = 0
    cut: int = 0  # parents that hold a part of their list alone
    reached: set[str] = field(default_factory=set)  # paths that lead to something, if only to an empty list
    _items: int = 0

    def note(self, top: Any) -> None:
        """Take in one record of the own list."""
        declared = self.parameters.resources[self.name]
        assert declared.nested is not None
        for parent in items_in(self.parameters, declared.nested.in_, top):
            self.parents += 1
            for path in declared.nested.at.values():
                if path not in self.reached and _reaches(parent.record, path.split(".")):
                    self.reached.add(path)
            self.cut += self._is_cut(parent.record)
            for item in inside(declared, parent):
                self._items += 1
                self.ids.add(item.source_id, self._items)  # another record than any before, whatever it holds

    def _is_cut(self, parent: Any) -> bool:
        nested = self.parameters.resources[self.name].nested
        assert nested is not None
        lists = [one for path in nested.at.values() for one in _lists(parent, path.split("."))]
        if nested.more:
            told, held = value_at(parent, nested.more), sum(len(found) for _, found in lists)
            return told is True or (_is_number(told) and told > held)
        return any(_says_more(beside, found, beside is not parent) for beside, found in lists)

    def facts(self) -> dict[str, Any]:
        """Return what the index keeps of it."""
        return {"problem": self._doubt(), "shared_ids": self.ids.shared[:MOST_SHARED]}

    def _doubt(self) -> str | None:
        declared = self.parameters.resources[self.name]
        assert declared.nested is not None
        where = ", ".join(declared.nested.at.values())
        parent = declared.nested.in_
        lost = [path for path in declared.nested.at.values() if path not in self.reached]
        if lost and self.parents and not declared.may_be_empty:
            return (
                f"none of {self.parents} records of {parent} has anything at {lost[0]}: correct nested.at, or say "
                "may_be_empty: true where the source leaves an empty list out"
            )
        if self.cut:
            return f"{self.cut} of {self.parents} records of {parent} hold only a part of what they have at {where}"
        if shared := len(self.ids.shared):
            return f"several records of {self.name} share {plural(shared, 'id')}; name more parts in id_from"
        return None


def insides(parameters: Parameters, top: str, folder: Path) -> list[Inside]:
    """Return what takes notes of each resource that stands in the records of the own list `top`."""
    names = [name for name in parameters.resources if name != top and parameters.top(name) == top]
    return [Inside(parameters, name, Ids(folder / f"{name}.ids")) for name in names]


def _reaches(record: Any, steps: list[str]) -> bool:
    """Return whether there is something at a path, be it null or an empty list."""
    if record is None or not steps or record == []:
        return True
    if isinstance(record, list):
        return any(_reaches(one, steps) for one in record)
    return isinstance(record, dict) and steps[0] in record and _reaches(record[steps[0]], steps[1:])


def _lists(record: Any, steps: list[str]) -> Iterator[tuple[dict[str, Any], list[Any]]]:
    """Yield each list on the way along a path, with the object that it stands in."""
    if isinstance(record, list):
        for one in record:
            yield from _lists(one, steps)
    elif steps and isinstance(record, dict):
        found = record.get(steps[0])
        if isinstance(found, list):
            yield record, found
        yield from _lists(found, steps[1:])


def _says_more(beside: dict[str, Any], found: list[Any], is_own: bool) -> bool:
    """Return whether an object says that a list in it goes on; of what is not the list's own, a flag alone tells."""
    if any(value_at(beside, path) is True for path in FLAGS):
        return True
    if not is_own:
        return False
    is_followed = any(isinstance(value_at(beside, path), str) and value_at(beside, path) for path in NEXT)
    totals = [value_at(beside, path) for path in TOTALS]
    return is_followed or any(_is_number(total) and total > len(found) for total in totals)


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
