"""Rows that go through states: what is to be asked of them, as expressions of PostgreSQL's, and how long they stay."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dsaudit.database import RelationMissing, TableInfo
from dsaudit.database.expressions import (
    as_text,
    column_of,
    deleted,
    id_of,
    literal,
    quoted,
    row_id,
    source_id,
    value_of,
)
from dsaudit.parameters.states import REFERENCE, States, parent_of
from dsaudit.verdict.masking import is_word

if TYPE_CHECKING:
    from dsaudit.audit import Audit
    from dsaudit.parameters import Resource

JSON = ("json", "jsonb")
TEXTS = ("text", "character", "character varying", "citext")
MOST_STATES = 20  # of one resource that are told apart
EXACT = re.compile(r"numeric\(\d+,(\d+)\)")
# How far a number may be from its formula, of its size, where its type tells not its digits; parents may be `real`.
NEAR = {"real": "1e-6", "double precision": "1e-6", "numeric": "1e-9"}


@dataclass(frozen=True)
class Told:
    """The table of some states, and the expressions of a row's state, its ids and its tenant."""

    one: States
    resource: Resource
    table: TableInfo

    @property
    def source(self) -> str:
        """The table as an item of a query, in which a row is ``x``."""
        return f"{from_table(self.table)} as x"

    @property
    def counts(self) -> str:
        """The condition that a row is not marked as deleted."""
        return f"not {deleted(self.resource, self.table)}"

    @property
    def state(self) -> str:
        """The state of a row, as text."""
        return as_text(value_of(self.one.column, self.table), self.table.columns.get(self.one.column, "text"))

    @property
    def ids(self) -> str:
        """The columns by which a row is known: whose it is, source_id and row_id."""
        resource, table = self.resource, self.table
        whose = f"({value_of(resource.tenant, table)})::text" if resource.tenant else "null::text"
        return f"{whose} as whose, {source_id(resource, table)} as source_id, {row_id(resource, table)} as row_id"

    def is_empty(self, column: str) -> str:
        """Return the condition that a column holds nothing: null, or JSON's null."""
        value = value_of(column, self.table)
        is_json = self.table.columns.get(column) in JSON
        return f"({value} is null or {value}::text = 'null')" if is_json else f"({value} is null)"

    def is_blank(self, column: str) -> str:
        """Return the condition that a column holds a text without a letter; JSON's list or object may be empty too."""
        kind, value = self.table.columns.get(column, "text").partition("(")[0], value_of(column, self.table)
        if kind in JSON:
            return f"coalesce({value}::text in ('\"\"', '[]', '{{}}'), false)"
        return f"coalesce(pg_catalog.btrim({value}::text) = '', false)" if kind in TEXTS else "false"

    def in_one_of(self, states: Any) -> str:
        """Return the condition that a row is in one of some states."""
        return f"coalesce({self.state} in ({', '.join(map(literal, states))}), false)" if states else "false"


def told(audit: Audit, one: States) -> Told:
    """Return what to ask of some states; raises `RelationMissing` where the database lacks the table or the column."""
    resource = audit.parameters.whole.resources[one.resource]
    table = audit.relations.whole.table(resource.table)
    column_of(one.column, table)
    return Told(one, resource, table)


def formula_of(audit: Audit, of: Told, formula: str) -> str:
    """Return a formula in which each column of a parent is looked up, to stand where a row is ``x``.

    Raises
    ------
    RelationMissing
        The database lacks a column that it names.
    """

    def looked_up(found: re.Match[str]) -> str:
        relations = parent_of(audit.parameters.whole, of.one.resource, found[1]) if found[1] else []
        if len(relations) != 1:
            return found[0]
        child, (name, _, key) = relations[0].child.partition(".")[2], relations[0].parent.partition(".")
        parent = audit.relations.whole.table(audit.parameters.whole.resources[name].table)
        ends = value_of(key, parent, "p"), value_of(child, of.table)
        if parent.columns.get(key) != of.table.columns.get(child):
            ends = f"({ends[0]})::text", f"({ends[1]})::text"
        source = f"{quoted(parent.schema)}.{quoted(parent.name)} as p"
        return f"(select {value_of(found[2], parent, 'p')} from {source} where {ends[0]} = {ends[1]})"

    return f"({REFERENCE.sub(looked_up, formula.replace('%', '%%'))}\n)"


def differs(of: Told, column: str, made: str) -> str:
    """Return the condition that a column is not what its formula made.

    A number with a fixed number of digits may be rounded in any way that is a rounding: it is no farther off than half
    of its last digit. Others may be as far off as the digits of their type are.
    """
    value, kind = value_of(column, of.table), of.table.columns.get(column, "text")
    exact, base = EXACT.fullmatch(kind), kind.partition("(")[0]
    if exact or base in ("smallint", "integer", "bigint"):
        half = f"0.5e-{exact[1] if exact else 0}"
        near = f"pg_catalog.abs({value}::numeric - {made}::numeric) <= {half} + pg_catalog.abs({made}::numeric) * 1e-12"
    elif base in NEAR:
        near = f"pg_catalog.abs({value} - {made}::{base}) <= pg_catalog.abs({made}::{base}) * {NEAR[base]}::{base}"
    else:
        return f"{value} is distinct from {made}::{kind}"
    return f"not ({value} is not distinct from {made}::{base} or coalesce({near}, false))"


STAYED = """
with moved as (
  select {of} as id, {from_} as state_before, {to} as state_after, {at} as at,
         lead({at}) over w as next_at, row_number() over w as place
  from {history} as x where {from_} is distinct from {to}
  window w as (partition by {of} order by {at}, {from_} is not null)
), stays as (
  select m.state_after as state, m.at as begun, m.next_at as ended from moved as m where m.state_after is not null
  {first}
), timed as (
  select state, ended, extract(epoch from ended - begun)::float8 as seconds from stays
  where begun is not null and not (ended is null and state = any(%(last)s))
)
select state as type, count(*) as count, count(*) filter (where ended is null) as unfinished,
       percentile_cont(0.5) within group (order by seconds) filter (where seconds >= 0) as median,
       percentile_cont(0.95) within group (order by seconds) filter (where seconds >= 0) as p95,
       max(seconds) filter (where seconds >= 0) as longest
from timed group by state order by count desc, state limit %(most)s
"""
# The first state began with the row, if that is recorded nowhere; a row that never moved is in it still.
FIRST = """union all
  select m.state_before, o.created, m.at from moved as m join own as o on o.id = m.id
  where m.place = 1 and m.state_before is not null
  union all
  select o.state, o.created, null from own as o where not exists (select from moved as m where m.id = o.id)"""


def stays(audit: Audit, one: States) -> list[dict[str, Any]]:
    """Return how long rows stay in each state, by the history: type, count, unfinished, median, p95, longest (seconds).

    Of a state that is not left again only what was left all the same counts. Raises `QueryError` and `RelationMissing`.
    """
    of, history = told(audit, one), one.history
    assert history
    table = audit.relations.whole.table(history.table)
    columns = {
        "of": id_of(history.of, table),
        "from_": text_of(table, history.from_),
        "to": text_of(table, history.to),
        "at": f"({value_of(history.at, table)})::timestamptz",
    }
    query = STAYED.format(**columns, history=from_table(table), first=FIRST if history.created else "")
    if history.created:
        created = f"({value_of(history.created, of.table)})::timestamptz"
        selected = f"select {key_of(of)} as id, {of.state} as state, {created} as created"
        own = f"own as ({selected} from {of.source} where {of.counts}),"
        query = query.replace("with moved as (", f"with {own} moved as (", 1)
    values = {"last": one.last, "most": MOST_STATES}
    return audit.database.query(query, values, most=None).records


def key_of(of: Told) -> str:
    """Return the expression of the key that a history refers to."""
    if len(of.resource.key) != 1:
        raise RelationMissing(f"nothing tells the one column by which a history refers to {of.one.resource}")
    return id_of(of.resource.key[0], of.table)


def text_of(table: TableInfo, column: str) -> str:
    """Return a column's expression as text, such as one that holds a state."""
    return as_text(value_of(column, table), table.columns.get(column, "text"))


def from_table(table: TableInfo) -> str:
    """Return a table as the name of an item of a query."""
    return f"{quoted(table.schema)}.{quoted(table.name)}"


def declared(audit: Audit, part: str = "column") -> Iterator[States]:
    """Yield the states of the audited resources, of those alone that declare a part such as ``history``."""
    for one in audit.parameters.states:
        if one.resource in audit.parameters.resources and getattr(one, part):
            yield one


def shown(state: str | None, one: States) -> str | None:
    """Return a state as it may be shown: a program's word, or which of the declared ones it is but for its writing."""
    if state is None or is_word(state):
        return state
    meant = next((known for known in one.moves if known.casefold() == state.strip().casefold()), None)
    return f"{meant}, in other letters or with spaces" if meant else "no word"
