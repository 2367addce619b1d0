"""What a revision newly demands of rows that are there: keys, checks, foreign keys, columns that may not be empty."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dsaudit.migrating.fingerprints import updated_columns, whole_name
from dsaudit.migrating.schema import Schema
from dsaudit.scratch.model import Key, Table, listed, quoted
from dsaudit.scratch.rows import missing_parent

DELETED = re.compile(r"\b(?:delete\s+from|merge\s+into|truncate)\b", re.IGNORECASE)
INSERTED = re.compile(r"\binsert\s+into\s+([\w.\"]+)", re.IGNORECASE)
PARTIAL = re.compile(r" using btree \((.+?)\)(?: include \(| nulls not | with \(| where )", re.IGNORECASE)


@dataclass(frozen=True)
class Demand:
    """What a revision demands of a table's rows: in words, and as the condition of the rows that break it.

    `columns` are those that it reads, `parent` the table that a foreign key refers to.
    """

    revision: str
    table: str
    words: str
    broken: str
    columns: frozenset[str]
    parent: str = ""

    def may_be_met_by(self, statements: Sequence[str]) -> bool:
        """Whether statements change rows in such a way that those which break it now may meet it afterwards."""
        if any(DELETED.search(one) for one in statements):
            return True
        if self.parent and self.parent in {whole_name(name) for one in statements for name in INSERTED.findall(one)}:
            return True
        return not self.columns.isdisjoint(updated_columns(statements, self.table))


def demands(revision: str, before: Mapping[str, Table], after: Mapping[str, Table], schema: Schema) -> Iterator[Demand]:
    """Yield what a revision newly demands of the tables that were there.

    A constraint that is not validated demands nothing of their rows, and one of a column that is new, or has another
    type now, cannot be asked of them.

    Parameters
    ----------
    before, after
        The tables by name, before the revision and after it.
    schema
        What the schemas are made of after it.
    """
    for name, table in after.items():
        former = before.get(name)
        if former is None or table.partition_of:
            continue
        for words, broken, columns, parent in _of_table(former, table, after, schema):
            if all(_is_as_it_was(former, table, column) for column in columns):
                yield Demand(revision, name, words, broken, frozenset(columns), parent)


def _is_as_it_was(former: Table, table: Table, column: str) -> bool:
    return column in former.columns and former.columns[column].type == table.columns[column].type


def _of_table(
    former: Table, table: Table, after: Mapping[str, Table], schema: Schema
) -> Iterator[tuple[str, str, Sequence[str], str]]:
    """Yield the words, the condition, the columns and the parent of each."""
    for column in table.columns.values():
        if column.name in former.columns and former.columns[column.name].nullable and not column.nullable:
            yield f"{column.name} not null", f"{quoted(column.name)} is null", [column.name], ""
    for check in table.checks:
        if check.validated and check.expression not in [one.expression for one in former.checks]:
            yield f"{check.name}: {check.expression}", f"not ({check.expression})", check.columns, ""
    known = {(one.columns, one.predicate, one.expressions) for one in former.keys}
    for key in table.keys:
        if key.kind != "exclusion" and (key.columns, key.predicate, key.expressions) not in known:
            parts = _parts(key, schema.get(("index", f"{table.schema}.{table.name}", key.name), ""))
            within = f" where {key.predicate}" if key.predicate else ""
            twice = f"select {parts} from {table.sql}{within} group by {parts} having count(*) > 1"
            met = f"({key.predicate}) and " if key.predicate else ""
            yield (
                f"{key.name}: unique ({parts}){within}".replace('"', ""),
                f"{met}({parts}) in ({twice})",
                key.columns,
                "",
            )
    for foreign in table.foreigns:
        if foreign.validated and (foreign.columns, foreign.parent) not in [
            (one.columns, one.parent) for one in former.foreigns
        ]:
            words = f"{foreign.name}: {', '.join(foreign.columns)} refers to {foreign.parent}"
            yield (
                words,
                missing_parent(foreign, table, after[foreign.parent], table.sql),
                foreign.columns,
                foreign.parent,
            )


def _parts(key: Key, definition: str) -> str:
    """What has to be unique, as a list; of a plain partial index it stands in the definition alone."""
    partial = PARTIAL.search(definition) if key.predicate and not key.expressions else None
    if partial:
        return ", ".join(part.split()[0] for part in partial[1].split(", "))
    return ", ".join(key.expressions) or listed(key.columns)
