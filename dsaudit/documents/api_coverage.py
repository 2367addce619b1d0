"""The API coverage: each resource on its way from the source to its tables, and why any part of it is not covered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dsaudit.documents.markdown import Row, at, code, codes, table, words
from dsaudit.facts.coverage import WAYS, Cell, matrix

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def api_coverage(audit: Audit) -> str:
    """Return the document: how each resource is read, and the matrix of what covers it at each station."""
    parameters = audit.parameters
    cells = {(cell.resource, cell.way): cell for cell in matrix(audit)}
    sections = [
        f"# {words(parameters.integration)}: API coverage",
        f"Drafted by dsaudit from its audit of {code(parameters.integration)} at {at(audit.instant)}.",
        "## Resources",
        table(("Resource", "Read from", "Scope", "Sync function", "Table", "Webhooks"), _resources(audit), "None."),
        "## From the Source to the Table",
        table(
            ("Resource", *(way.capitalize() for way in WAYS)),
            [(code(name), *(_told(cells[name, way]) for way in WAYS)) for name in parameters.resources],
            "None.",
        ),
        "Figures are records or topics; **gap** is what nothing covers.",
        "## What Is Not Covered",
        table(("Resource", "Where", "Why"), _reasons(list(cells.values())), "Everything is covered."),
    ]
    return "\n\n".join(sections) + "\n"


def _resources(audit: Audit) -> Iterator[Row]:
    for name, one in audit.parameters.resources.items():
        nested = f"in {code(one.nested.in_)} at {codes(one.nested.at.values())}" if one.nested else "–"
        sync = code(one.sync or audit.parameters.resources[audit.parameters.top(name)].sync or "") or "–"
        bare = code(one.table.rpartition(".")[2])
        yield code(name), code(one.read or "") or nested, codes(one.scope, "–"), sync, bare, codes(one.webhooks, "–")


def _told(cell: Cell) -> str:
    return (
        "**gap**"
        if cell.state == "gap"
        else {"unknown": "?", "unasked": "–", "reason": "no"}.get(cell.state, words(cell.told))
    )


def _reasons(cells: list[Cell]) -> Iterator[Row]:
    for cell in cells:
        if cell.state in ("reason", "gap", "unknown"):
            yield code(cell.resource), cell.way, words(cell.told)
