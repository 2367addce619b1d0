"""Writes a draft as a parameter file: guesses and open points stand beside the keys that they are about."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

import yaml

from dsaudit.drafting.draft import Draft, Entry, Path_

WIDTH = 118
ORDER = [
    *("integration", "blueprints", "environment", "database", "provider", "provider_reviewed", "tenants", "source"),
    *("raw", "deliveries", "syncs", "record", "table_prefix", "code", "webhooks"),
    *("api", "worker", "schedule", "flag", "documents", "monitoring", "own_tests"),
    *("defaults", "resources", "relations", "tenancy", "performance"),
    "migrations",
]
_HEAD = """\
# Drafted by `dsaudit init`. What is marked `guess` was not proven: see that it is right, and take the mark away.
# What is marked `to fill` was not found, what is marked `offered` is yours to take in. dsaudit/parameters/models.py
# explains every key.
"""


def written(draft: Draft) -> str:
    """Return the text of the parameter file."""
    lines = [_HEAD.rstrip()]
    open_ = dict[Path_, list[str]]()
    for word, listed in (("left out", draft.notes), ("to fill", draft.open)):
        for path, what in listed:
            # A section that is not there at all is named in the remark.
            named = "" if _has_entries(draft, path) else f"{path[-1]}: "
            open_.setdefault(path, []).append(f"{word}: {named}{what}")
    tops = [path[:1] for path in (*draft.entries, *open_, *(path for path, _ in draft.offers))]
    for top in sorted(dict.fromkeys(tops), key=lambda path: ORDER.index(path[0])):
        lines += _section(draft, top, open_)
        lines += _offered(draft, top)
    return "\n".join(lines) + "\n"


def _section(draft: Draft, path: Path_, open_: dict[Path_, list[str]]) -> Iterator[str]:
    """Yield the lines of everything below `path`, in the order in which it was drafted."""
    indent = "  " * (len(path) - 1)
    if path in draft.entries:
        yield from _entry(path, draft.entries[path], indent)
        yield from _asked(open_.get(path, ()), indent)
        return
    inner = [one for one in (*draft.entries, *open_) if one[: len(path)] == path and len(one) > len(path)]
    if not inner:
        yield from _asked(open_.get(path, ()), indent)
        return
    if path == ("relations",):
        yield "relations:"
        for one in inner:
            yield from _relation(draft.entries[one])
        yield from _asked(open_.get(path, ()), "  ")
        return
    children = list(dict.fromkeys(one[: len(path) + 1] for one in inner))
    shared = _shared(draft, children)
    yield f"{indent}{_flow(path[-1])}:{_mark(shared, 'guess for each')}"
    if not any(child in draft.entries or _has_entries(draft, child) for child in children):
        yield f"{indent}  {{}}"
    for child in children:
        told = Draft({**draft.entries, child: Entry(draft.entries[child].value)}) if shared else draft
        yield from _section(told, child, open_)
    yield from _asked(open_.get(path, ()), indent + "  ")


def _relation(entry: Entry) -> Iterator[str]:
    line = f"  - {_flow(entry.value)}{_mark(entry.guess)}"
    if len(line) > WIDTH and entry.guess:
        yield from _wrapped(f"guess: {entry.guess}", "  ")
        line = f"  - {_flow(entry.value)}"
    yield line


def _offered(draft: Draft, top: Path_) -> Iterator[str]:
    """Yield what is offered below a section: each line is right as soon as it loses its mark and the space after."""
    offers = [entry for path, entry in draft.offers if path == top]
    is_listed = top == ("relations",)
    if is_listed and offers and not _has_entries(draft, top):
        yield "# relations:"
    for entry in offers:
        yield from _wrapped(f"offered: {entry.guess}", "  " if is_listed else "")
        whole = [entry.value] if is_listed else {top[0]: entry.value}
        text = yaml.safe_dump(whole, default_flow_style=None, sort_keys=False, allow_unicode=True, width=100)
        yield from (f"{'  ' if is_listed else ''}# {line}" for line in text.splitlines())


def _shared(draft: Draft, children: list[Path_]) -> str | None:
    """Return the guess that is the same for all keys of a section, to be said once."""
    guesses = {draft.entries[child].guess if child in draft.entries else None for child in children}
    return guesses.pop() if len(guesses) == 1 and len(children) > 1 else None


def _has_entries(draft: Draft, path: Path_) -> bool:
    return any(one[: len(path)] == path for one in draft.entries)


def _entry(path: Path_, entry: Entry, indent: str) -> Iterator[str]:
    name, value = f"{indent}{_flow(path[-1])}:", entry.value
    line = f"{name} {_flow(value)}"
    if len(line + _mark(entry.guess)) <= WIDTH and not _is_of_mappings(value):
        yield line + _mark(entry.guess)
        return
    if entry.guess:
        yield from _wrapped(f"guess: {entry.guess}", indent)
    if isinstance(value, list) and (_is_of_mappings(value) or len(line) > WIDTH):
        yield name
        yield from (f"{indent}  - {_flow(one)}" for one in value)
    else:
        yield line


def _is_of_mappings(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(one, dict) for one in value)


def _mark(guess: str | None, word: str = "guess") -> str:
    return f"  # {word}: {_one_line(guess)}" if guess else ""


def _asked(listed: Iterable[str], indent: str) -> Iterator[str]:
    for one in listed:
        yield from _wrapped(one, indent)


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        _one_line(text), WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}#   ", break_long_words=False
    )


def _one_line(text: str | None) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in " ".join((text or "").split()))


def _flow(value: Any) -> str:
    """Return a value on one line of YAML."""
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=100_000)
    return text.removesuffix("\n").removesuffix("\n...").rstrip()
