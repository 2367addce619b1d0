"""The data model: each table with its key and where its columns come from, and how the tables hang together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dsaudit.documents.markdown import Row, code, codes, table, words

if TYPE_CHECKING:
    from dsaudit.audit import Audit
    from dsaudit.parameters import Parameters, Resource


def data_model(audit: Audit) -> str:
    """Return the document, with a diagram of the declared relations and of what is nested in what."""
    parameters = audit.parameters
    raw = parameters.raw_tables(parameters.resources)
    sections = [
        f"# {words(parameters.integration)}: data model",
        f"Drafted by dsaudit from the parameter file {code(parameters.path.name)}.",
        "## Raw Tables",
        table(("Table", "Object types"), [(code(_bare(name)), codes(types)) for name, types in raw.items()], "None."),
        "## Refined Tables",
        table(("Resource", "Table", "Key", "Tenant", "Part of", "Deleted by"), _tables(parameters), "None."),
        "## Relations",
        _diagram(parameters),
        "## Columns",
        *[section for name, one in parameters.resources.items() for section in _columns(name, one)],
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _bare(name: str) -> str:
    return name.rpartition(".")[2]


def _tables(parameters: Parameters) -> Iterator[Row]:
    for name, one in parameters.resources.items():
        parent = code(one.nested.in_) if one.nested else "–"
        tenant, deleted = code(one.tenant or "") or "–", code(one.deleted_by[0]) or "–"
        yield code(name), code(_bare(one.table)), codes(one.key, "–"), tenant, parent, deleted


def _diagram(parameters: Parameters) -> str:
    """Return how tables refer to each other, as a mermaid diagram; a name is quoted, as it may hold anything."""
    resources = parameters.resources
    ties = {}
    for name, one in resources.items():
        if one.nested:
            ties[one.nested.in_, name] = ("||--o{", "nested")
    for relation in parameters.relations:
        child, _, column = relation.child.partition(".")
        many = "|{" if relation.every_parent else "o{"
        ties[relation.parent.partition(".")[0], child] = (f"{'|o' if relation.nullable else '||'}--{many}", column)
    lines = [
        f"    {_entity(resources[parent])} {tie} {_entity(resources[child])} : {_quoted(label)}"
        for (parent, child), (tie, label) in ties.items()
    ]
    tied = {name for pair in ties for name in pair}
    lines += [f"    {_entity(one)}" for name, one in resources.items() if name not in tied]
    return "\n".join(["```mermaid", "erDiagram", *lines, "```"])


def _entity(resource: Resource) -> str:
    return _quoted(_bare(resource.table))


def _quoted(name: str) -> str:
    return '"' + "".join(one for one in name if one.isprintable() and one not in '"`') + '"'


def _columns(name: str, resource: Resource) -> Iterator[str]:
    if not resource.fields:
        return
    yield f"### {words(_bare(resource.table))}"
    rows = [(code(column), code(one.from_), one.as_) for column, one in resource.fields.items()]
    yield table(("Column", f"From the source's {code(name)}", "As"), rows, "")
