"""Where it is written down that a resource has no webhooks: in the code, or in a table of a declared document."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from dsaudit import codebase
from dsaudit.codebase import DocumentedException
from dsaudit.facts.documents import Document, documents

if TYPE_CHECKING:
    from dsaudit.audit import Audit
    from dsaudit.parameters import Resource

# The heading or a column of a table whose rows are resources without webhooks: those are missing, not the other way.
ABOUT = re.compile(r"\b(?:missing|no|without|lacking|unavailable)\b[^|]*\b(?:web)?hooks?\b", re.IGNORECASE)
# What a column of it is called, and the word by which a comment would say what stands there.
COLUMNS = {
    "resource": re.compile(r"resource|object|data type|record", re.IGNORECASE),
    "verified:": re.compile(r"verified|checked|date|last looked", re.IGNORECASE),
    "source:": re.compile(r"source|link|reference|docs", re.IGNORECASE),
}


def written_down(audit: Audit) -> dict[str, DocumentedException]:
    """Return the best note of each resource that has one: the first of those that lack least."""
    known: dict[str, DocumentedException] | None = audit.kept.get("exceptions")
    if known is None:
        notes = [*codebase.documented_exceptions(audit.code)] if audit.parameters.code else []
        if audit.parameters.documents:
            notes += [note for one in documents(audit.parameters).values() for note in in_document(one)]
        found = {name: _of(name, one, notes) for name, one in audit.parameters.resources.items()}
        known = audit.kept["exceptions"] = {name: note for name, note in found.items() if note}
    return known


def _of(name: str, resource: Resource, notes: list[DocumentedException]) -> DocumentedException | None:
    called = {_plain(word) for word in (name, resource.raw or name, resource.table.rpartition(".")[2])}
    own = [note for note in notes if _plain(note.resource) in called]
    return min(own, key=lambda note: len(note.missing), default=None)


def _plain(name: str) -> str:
    """Return a name as it compares: ``GiftCards`` and ``gift_card`` are one."""
    return re.sub(r"[\W_]", "", name).lower().removesuffix("s")


def in_document(document: Document) -> Iterator[DocumentedException]:
    """Yield what a document's tables say of resources without webhooks, row by row."""
    heading = ""
    lines = [(number, line.strip()) for number, line in enumerate(document.lines, 1)]
    for is_table, part in groupby(lines, key=lambda one: one[1].startswith("|")):
        rows = list(part)
        if is_table:
            yield from _rows(document.name, rows, heading)
        else:
            heading = next((line for _, line in reversed(rows) if line.startswith("#")), heading)


def _rows(file: str, rows: list[tuple[int, str]], heading: str) -> Iterator[DocumentedException]:
    head = _cells(rows[0][1])
    resource = next((place for place, title in enumerate(head) if COLUMNS["resource"].search(title)), None)
    if resource is None or not ABOUT.search(f"{heading} | {rows[0][1]}"):
        return
    said = [next((word for word, title in COLUMNS.items() if title.search(one)), "") for one in head]
    for number, row in rows[2:]:
        cells = _cells(row)
        told = [f"{word} {cell}" for word, cell in zip(said, cells, strict=False) if word != "resource" and cell]
        if len(cells) > resource:
            yield from codebase.documented(cells[resource], told, file, number)


def _cells(row: str) -> list[str]:
    """Return the cells of a table's row, as they read: without marks of code, and a link by its address."""
    cells = re.split(r"(?<!\\)\|", row.strip().strip("|"))
    plain = (re.sub(r"\[[^\]]*\]\(\s*<?([^)\s>]+)[^)]*\)", r"\1", one) for one in cells)
    return [re.sub(r"<(\S+)>", r"\1", one).replace("`", "").strip() for one in plain]
