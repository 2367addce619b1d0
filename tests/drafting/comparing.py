"""Holds a drafted parameter file against the hand-written one, key by key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# A reason in words is right where there is one; no two people write the same.
IN_WORDS = ("no_webhooks", "never.create", "never.update", "never.delete")

# That something may be sent, started or changed is for a person to say: no draft grants it.
LEAVES = ("live.", "syncs.run.", "webhooks.probe.")

LISTS = (".scope", ".webhooks", ".key", ".id_from", ".accepted", ".rejected", ".webhook")  # a text is a list of one


@dataclass(frozen=True)
class Compared:
    """The keys of the hand-written file that the draft has right, and the others; what the draft has beside them."""

    right: list[str]
    wrong: list[str]  # another value
    missing: list[str]
    beside: list[str]  # keys that the hand-written file does not have

    @property
    def share(self) -> float:
        """The share of the hand-written keys that are right."""
        return len(self.right) / (len(self.right) + len(self.wrong) + len(self.missing))

    def told(self) -> str:
        """Return the figures, and every key that is not right."""
        lines = [f"{self.share:.1%} of {len(self.right) + len(self.wrong) + len(self.missing)} keys right"]
        for name in ("wrong", "missing", "beside"):
            listed = getattr(self, name)
            lines.append(f"{name} ({len(listed)}): {', '.join(listed)}")
        return "\n".join(lines)


def compare(drafted: dict[str, Any], written: dict[str, Any]) -> Compared:
    """Compare the leaves of two parameter files by their paths."""
    mine, theirs = (
        {path: value for path, value in _leaves(_plain(file)) if not path.startswith(LEAVES)}
        for file in (drafted, written)
    )
    right = [path for path in theirs if path in mine and _same(path, mine[path], theirs[path])]
    wrong = [path for path in theirs if path in mine and path not in right]
    missing = [path for path in theirs if path not in mine]
    return Compared(right, wrong, missing, [path for path in mine if path not in theirs])


def _same(path: str, mine: Any, theirs: Any) -> bool:
    return bool(mine and theirs) if path.endswith(IN_WORDS) else bool(mine == theirs)


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Return the same file with what can be written in two ways written in one."""
    relations = {f"{one['child']} -> {one['parent']}": [one] for one in values.get("relations", [])}
    tenants = {str(one["id"]): one for one in values.get("tenants", [])}
    return {**values, "relations": relations, "tenants": tenants}


def _leaves(value: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            path = f"{at}.{name}" if at else str(name)
            if at.endswith(".fields"):
                yield path, {"from": name, "as": inner} if isinstance(inner, str) else inner
            else:
                yield from _leaves(inner, path)
    else:
        yield at, [value] if isinstance(value, str) and at.endswith(LISTS) else value
