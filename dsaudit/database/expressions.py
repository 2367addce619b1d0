"""The SQL expressions of declared columns: what a parameter file names, as it is read from one particular table.

Every table is called ``x`` unless an alias is given. Identifiers are quoted and looked up in the catalogue.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from psycopg import sql as names

from dsaudit.database.catalogue import TableInfo
from dsaudit.database.errors import RelationMissing
from dsaudit.parameters import Parameters, Resource
from dsaudit.parameters.ids import ANY_UUID, NUMBER, PLAIN, Kind, kind_of
from dsaudit.parameters.resource import Relation
from dsaudit.parameters.tables import Syncs, Table
from dsaudit.parameters.tenancy import tenancy_columns
from dsaudit.probes import is_ours
from dsaudit.wording import did_you_mean

REFINED_COLUMNS = (
    "row_id",
    "tenant",
    "resource",
    "source_id",
    "own_id",
    "updated_at",
    "refined_at",
    "built_from",
    "deleted",
)
JSON = {"payload", "scopes", "registration"}
TEXT = {"row_id", "source_id", "content_hash", "via", "state", "error", "topic", "outcome", "delivery_id"}

# Types that a cast writes as JSON would, and faster.
CAST = ("text", "character", "character varying", "uuid", "boolean", "date", "smallint", "integer", "bigint", "numeric")


@dataclass
class Filled:
    """A query with its slots filled, the values to bind, and the tables that it reads."""

    sql: str
    values: dict[str, Any] = field(default_factory=dict)
    tables: list[int] = field(default_factory=list)
    resources: tuple[str, ...] = ()
    only: Collection[str] | None = None  # source ids; the rows of all others may be left out


def field_column(name: str) -> str:
    """Return under which name ``{refined}`` has a declared field: its own, unless a fixed column is called so."""
    return f"field_{name}" if name in REFINED_COLUMNS else name


def source_id(resource: Resource, info: TableInfo) -> str:
    """Return the expression of a refined row's source id as text.

    The parts of a composite key are joined by what the file declares, else held apart as a JSON array: a separator
    that may stand in a value would make two keys one. Where a table has no key, as a file for the database alone lets
    it, a row is told by its place.
    """
    if not resource.key:
        return "x.ctid::text" if info.is_stored else "null::text"
    parts = [id_of(column, info) for column in resource.key]
    if len(parts) == 1:
        return parts[0]
    if resource.joined is not None:
        return f" || {literal(resource.joined)} || ".join(parts)
    return f"pg_catalog.json_build_array({', '.join(parts)})::text"


def own_id(resource: Resource, info: TableInfo) -> str:
    """Return the expression of a refined row's source id as its column has it, where each id has but one form there."""
    if len(resource.key) == 1 and is_exact(resource.key[0], info):
        return value_of(resource.key[0], info)
    return source_id(resource, info)


def id_of(column: str, info: TableInfo) -> str:
    """Return the expression of a column that holds an id, or a part of one, as text: see `dsaudit.parameters.ids`."""
    expression, kind = value_of(column, info), info.columns.get(column, "text")
    if kind.startswith("numeric"):
        return f"pg_catalog.trim_scale({expression})::text"
    return f"({as_text(expression, kind)})" if kind in ("real", "double precision") else f"({expression})::text"


def is_exact(column: str, info: TableInfo) -> bool:
    """Return whether a column's type has but one text for each id."""
    return kind_of(info.columns.get(column, "")) in ("number", "uuid")


def told_id(column: str | None, info: TableInfo, kinds: Mapping[str, Kind | None], resource: str) -> str:
    """Return the expression of the id that a row of several resources tells, as the ids of its own are written.

    `kinds` are theirs, by name, and `resource` is the expression of the name.
    """
    if column is None:
        return "null::text"
    expression, cases = id_of(column, info), ""
    if is_exact(column, info):
        return expression
    for kind in sorted({one for one in kinds.values() if one}):
        named = ", ".join(literal(name) for name, one in kinds.items() if one == kind)
        cases += f" when {resource} in ({named}) then {_written(expression, kind)}"
    return f"case{cases} else {expression} end" if cases else expression


def _written(text: str, kind: Kind) -> str:
    if kind == "char":
        return f"pg_catalog.rtrim({text}, ' ')"
    grammar, made = (
        (NUMBER, f"pg_catalog.trim_scale({text}::numeric)") if kind == "number" else (ANY_UUID, f"{text}::uuid")
    )
    is_plain, may_be = (f"{text} ~ {literal(f'^({one})$')}" for one in (PLAIN[kind], grammar))
    return f"case when {is_plain} then {text} when {may_be} then ({made})::text else {text} end"


def columns_of(table: Table, info: TableInfo) -> dict[str, str]:
    """Return the expression of each column that dsaudit reads of a table but the tenant's, null of what it lacks."""
    expressions = {}
    for name in (name for name in table.own if name != "tenant"):
        read = column_of if name in JSON else value_of
        expression = read(table.columns[name], info) if name in table.columns else "null"
        is_time = info.columns.get(table.columns.get(name, ""), "").startswith(("timestamp", "date"))
        kind = "text" if name in TEXT else "timestamptz" if is_time else ""
        expressions[name] = f"({expression})::{kind}" if kind else expression
    for name, kind in table.optional.items():
        expression = cast(table.columns.get(name), info, kind)
        expressions[name] = f"coalesce({expression}, false)" if kind == "boolean" else expression
    return expressions


def with_state(columns: dict[str, str], table: Syncs, filled: Filled) -> None:
    """Add to a run's columns its ``state``: success, skipped, failed, running, or other.

    What its column says stays as ``word``. Without such a column, a run that has ended without an error has succeeded;
    so it has to, too, where the word says that it has.
    """
    told = f"case when {columns['error']} is not null then 'failed' when {columns['ended_at']} is null then 'running'"
    word, state = columns["state"], f"{told} else 'success' end"
    if "state" in table.columns:
        name = mapped("s", word, {given: state for state, words in table.states.items() for given in words}, filled)
        is_told = f"{word} is not null and {name} is distinct from 'success'"
        state = f"case when {is_told} then coalesce({name}, 'other') else {state} end"
    columns |= {"word": word, "state": state}


def by_probe(table: Table, info: TableInfo) -> str:
    """Return the condition that a delivery, or the record that it is about, has an id of our own probe's."""
    return is_ours([id_of(table.columns[one], info) for one in ("delivery_id", "source_id") if one in table.columns])


def rows_by_probe(
    parameters: Parameters, filled: Filled, look_up: Callable[[str, Filled], tuple[str, TableInfo]]
) -> str:
    """Return the raw rows that our own probe left, of whatever tenant and type they are."""
    raw, selects = parameters.raw, []
    assert raw is not None
    for table in parameters.raw_tables(filled.resources):
        source, info = look_up(table, filled)
        told = {
            name: cast(raw.columns.get(name), info, "text") for name in ("source_id", "delivery_id", "content_hash")
        }
        body = ", ".join(f"{expression} as {name}" for name, expression in told.items())
        selects.append(f"select {body} from {source} as x where {by_probe(raw, info)}")
    return f"({' union all '.join(selects)})"


def cast(column: str | None, info: TableInfo, kind: str) -> str:
    """Return a column's expression as a type of PostgreSQL's, null where none is declared."""
    return f"({value_of(column, info)})::{kind}" if column else f"null::{kind}"


def column_of(given: str, info: TableInfo, leaf: str = "#>", alias: str = "x") -> str:
    """Return a column's expression; ``column.path.to`` reaches into a JSON column."""
    column, *path = given.split(".")
    if column not in info.columns:
        hint = did_you_mean(column, info.columns)
        lacking = f"the table {info.schema}.{info.name} has no column {column}"
        raise RelationMissing(f"{lacking}; {hint}" if hint else lacking)
    expression = f"{alias}.{quoted(column)}"
    if not path:
        return expression
    steps = ", ".join(literal(step) for step in path)
    return f"({expression}::jsonb {leaf} array[{steps}])"


def value_of(given: str, info: TableInfo, alias: str = "x") -> str:
    """Return a column's expression; what stands inside a JSON column comes as text, and so to the last digit."""
    return column_of(given, info, "#>>", alias)


def as_text(expression: str, kind: str) -> str:
    """Return the expression of a value of type `kind` as the text in which it is compared: what JSON says of it.

    So a float has plain digits, a time a T, an array the form of a list; a ``char(n)`` stands without its padding.
    """
    if kind.partition("(")[0] in CAST:
        return f"({expression})::text"
    return f"({expression if kind in ('json', 'jsonb') else f'pg_catalog.to_jsonb({expression})'}) #>> '{{}}'"


def json_of(given: str, info: TableInfo) -> str:
    """Return the expression of a column of JSON as text, and so with every number to its last digit."""
    column = given.split(".")[0]
    if info.columns.get(column, "json") not in ("json", "jsonb"):
        where = f"{info.schema}.{info.name}.{column}"
        raise RelationMissing(f"{where} is declared as json, and is of type {info.columns[column]}")
    return f"({column_of(given, info)})::text"


def quoted(name: str) -> str:
    """Return a name as an identifier in a query that has placeholders."""
    return names.Identifier(name).as_string(None).replace("%", "%%")


def literal(text: str) -> str:
    """Return a text as a string in a query that has placeholders."""
    return names.Literal(text).as_string(None).replace("%", "%%")


def row_id(resource: Resource, info: TableInfo) -> str:
    """Return the expression of what tells a row from all others; a view's rows have nothing but their key."""
    if "id" in info.columns:
        return f"({value_of('id', info)})::text"
    return "x.ctid::text" if info.is_stored else source_id(resource, info)


def relation_values(parameters: Parameters, relation: Relation) -> dict[str, Any]:
    """Return what a query about a relation may bind: what the file says of it, and the columns of ``tenancy``."""
    tenancy = list(tenancy_columns(parameters, relation.child.partition(".")[0]))
    return {"nullable": relation.nullable, "linked_percent": relation.linked_percent, "tenancy": tenancy}


def end_columns(
    parameters: Parameters, end: str, info: TableInfo, other: tuple[str, TableInfo], counted_by: str | None
) -> str:
    """Return the columns of one `end` of a relation, such as ``order.customer_id``, of which `other` is the other.

    ``key`` is the column that joins the two, as text; ``link`` is the same for a join: of the column's own type where
    the two ends have one type. ``tenancy`` holds the values of the columns that tell whose a row is, and is null where
    the table lacks one of them.
    """
    (name, _, column), (other_name, _, other_column) = end.partition("."), other[0].partition(".")
    resource, tenancy = parameters.resources[name], tenancy_columns(parameters, name)
    owners = [value_of(one, info) for one in tenancy if one in info.columns]
    types = {info.columns.get(one) for one in tenancy}
    types |= {other[1].columns.get(one) for one in tenancy_columns(parameters, other_name)}
    if not _is_comparable(types):
        owners = [f"({one})::text" for one in owners]
    is_typed = _is_comparable({info.columns.get(column), other[1].columns.get(other_column)})
    told = {
        "row_id": row_id(resource, info),
        "source_id": source_id(resource, info),
        "key": id_of(column, info),
        "link": value_of(column, info) if is_typed else id_of(column, info),
        "deleted": deleted(resource, info),
        "tenancy": f"array[{', '.join(owners)}]" if owners and len(owners) == len(tenancy) else "null::text[]",
    }
    told |= {"counted": cast(counted_by, info, "bigint")} if counted_by else {}
    return ", ".join(f"{expression} as {name}" for name, expression in told.items())


def _is_comparable(types: Collection[str | None]) -> bool:
    """Return whether all are one type of which two values are equal just where their texts are."""
    return len(types) == 1 and not {*types} - {"uuid", "smallint", "integer", "bigint", "text"}


def deleted(resource: Resource, info: TableInfo) -> str:
    """Return the expression of whether a refined row is marked as deleted."""
    column, values = resource.deleted_by
    if not column:
        return "false"
    expression = value_of(column, info)
    if values:
        listed = ", ".join(literal(value) for value in values)
        return f"coalesce(({expression})::text in ({listed}), false)"
    kind = "text" if "." in column else info.columns[column]
    if kind == "boolean":
        return f"coalesce({expression}, false)"
    if not kind.startswith(("timestamp", "date")):
        raise RelationMissing(
            f"{info.schema}.{info.name}.{column} is of type {kind}, and so neither a flag nor a time of deletion; "
            f"say which of its values mean deleted, such as deleted: {{{column}: [deleted]}}"
        )
    return f"({expression} is not null)"


def mapped(alias: str, expression: str, mapping: Mapping[str, str], filled: Filled) -> str:
    """Return the expression of what `expression` is called by another name, null where it has none.

    A query that does not ask for it does not pay for it, as it would for a join.
    """
    cases = ""
    for index, (value, name) in enumerate(mapping.items()):
        filled.values |= {f"{alias}_{index}_value": value, f"{alias}_{index}": name}
        cases += f" when %({alias}_{index}_value)s::text then %({alias}_{index})s::text"
    return f"case ({expression})::text{cases} end" if cases else "null::text"


def map_join(alias: str, expression: str, mapping: Mapping[str, str], filled: Filled) -> str:
    """Return a join that calls what stands in `expression` by another name, and keeps only what has one."""
    rows = []
    for index, (value, name) in enumerate(mapping.items()):
        filled.values |= {f"{alias}_{index}_value": value, f"{alias}_{index}": name}
        rows.append(f"(%({alias}_{index}_value)s::text, %({alias}_{index})s::text)")
    values = ", ".join(rows) or "(null::text, null::text)"
    return f"join (values {values}) as {alias} (value, name) on {alias}.value = ({expression})::text "


def listed(name: str, ids: Mapping[str, Collection[str]], filled: Filled) -> str:
    """Return the part's ids of a resource as a select of tenant and id."""
    pairs = [(tenant, one) for tenant in sorted(ids) for one in sorted(ids[tenant])]
    tenants, own = f"part_{name}_tenants", f"part_{name}_ids"
    filled.values |= {tenants: [tenant for tenant, _ in pairs], own: [one for _, one in pairs]}
    return f"select * from unnest(%({tenants})s::text[], %({own})s::text[])"


def where(conditions: Collection[str]) -> str:
    """Return the clause in which all of `conditions` hold; nothing for none."""
    return f" where {' and '.join(conditions)}" if conditions else ""
