"""The queries behind the metrics of the data's integrity: like those of `queries`, made of the parameter file alone.

Each counts what the check of the same subject lists. The two ends of a relation are compared as text, as the checks do:
without a foreign key nothing says that they are of one type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from dsaudit.monitoring.queries import Queries, indented, literal, quoted
from dsaudit.parameters import Parameters
from dsaudit.parameters.resource import Relation
from dsaudit.parameters.tenancy import tenancy_columns

CALLS = 20  # a statement that ran less often, such as a migration's, says nothing of what users wait for


@dataclass(frozen=True)
class _Ends:
    """The two ends of a relation as SQL has them: tables, keys and the columns that tell whose a row is."""

    child: str
    parent: str
    key: str
    parent_key: str
    tenancy: Sequence[str]
    parent_tenancy: Sequence[str]
    is_child: Sequence[str]  # the condition that a child is not marked as deleted; none where nothing marks it
    is_parent: Sequence[str]


def orphans(queries: Queries) -> str:
    """By relation: the children without their parent; an empty reference is one where the relation requires it."""

    def count(relation: Relation, ends: _Ends) -> str:
        said = [f"{ends.key} is not null"] if relation.nullable else []
        lost = f"not exists (\n    select from {ends.parent}\n    where {ends.parent_key} = {ends.key})"
        return f"select count(*) from {ends.child}{_where(*ends.is_child, *said, lost)}"

    return _by_relation(queries, queries.parameters.relations, count)


def unlinked(queries: Queries) -> str:
    """By relation: the share of the children that have no parent, of the tenant that has most of them."""

    def share(relation: Relation, ends: _Ends) -> str:
        group = f"\ngroup by {ends.tenancy[0]}" if ends.tenancy else ""
        shares = (
            f"select avg(case when p.key is null then 1 else 0 end) as share\nfrom {ends.child}\n"
            f"left join (select distinct {ends.parent_key} as key from {ends.parent}) as p\n"
            f"  on p.key = {ends.key}{_where(*ends.is_child)}{group}"
        )
        return f"select coalesce(max(share), 'NaN')::float8 from (\n{indented(shares)}\n) as by_tenant"

    return _by_relation(queries, nullable(queries.parameters), share)


def crossings(queries: Queries) -> str:
    """By relation: the children whose parent belongs to another tenant, in any of the columns that tell one."""

    def count(relation: Relation, ends: _Ends) -> str:
        child, parent = f"({', '.join(ends.tenancy)})", f"({', '.join(ends.parent_tenancy)})"
        # Where ids are unique within a tenant only, another tenant's record of that id says nothing.
        same = [f"{ends.parent_key} = {ends.key}", f"{parent}\n    is not distinct from {child}"]
        own = f"not exists (\n{indented(f'select from {ends.parent}{_where(*same)}', 4)})"
        differs = f"{parent}\n    is distinct from {child}"
        joined = f"select count(*) from {ends.child}\njoin {ends.parent} on {ends.parent_key} = {ends.key}"
        return f"{joined}{_where(differs, own)}"

    return _by_relation(queries, owned(queries.parameters), count)


def miscounted(queries: Queries) -> str:
    """By relation that counts its children: the parents that have another number of them than they say."""

    def count(relation: Relation, ends: _Ends) -> str:
        pairs = [(ends.key, ends.parent_key), *list(zip(ends.tenancy, ends.parent_tenancy, strict=False))[:1]]
        names = ("key", "tenant")
        listed = ", ".join(f"{own} as {name}" for name, (own, _) in zip(names, pairs, strict=False))
        joined = " and ".join(f"n.{name} = {other}" for name, (_, other) in zip(names, pairs, strict=False))
        groups = ", ".join(own for own, _ in pairs)
        counted = f"select {listed},\n       count(*) as children\nfrom {ends.child}{_where(*ends.is_child)}"
        counted += f"\ngroup by {groups}"
        differs = f"coalesce(p.{quoted(relation.counted_by or '')}, 0) <> coalesce(n.children, 0)"
        joined = f"left join (\n{indented(counted)}\n) as n on {joined}"
        return f"select count(*) from {ends.parent}\n{joined}{_where(*ends.is_parent, differs)}"

    return _by_relation(queries, counting(queries.parameters), count)


def rows(queries: Queries) -> str:
    """By resource: the rows of its table."""
    tables = queries.parameters.resources.items()
    return _listed(
        queries, ["resource"], [([name], f"select count(*) from {queries.named(one.table)}") for name, one in tables]
    )


def null_tenants(queries: Queries) -> str:
    """By resource and column that tells whose a row is: the rows where it is empty."""
    return _listed(
        queries,
        ["resource", "column"],
        [
            ([name, column], f"select count(*) from {queries.named(resource.table)} where {quoted(column)} is null")
            for name, resource in queries.parameters.resources.items()
            for column in tenancy_columns(queries.parameters, name)
        ],
    )


def broken_invariants(queries: Queries) -> str:
    """By declared invariant: the rows that break it."""
    tables = {name: queries.named(one.table) for name, one in queries.parameters.resources.items()}
    return _listed(
        queries,
        ["resource", "holds"],
        [
            ([name, holds], f"select count(*) from {tables[name]} as x\nwhere not ({holds}\n)")
            for name, holds in dict.fromkeys((one.resource, one.holds) for one in queries.parameters.invariants)
        ],
    )


def unenforced(queries: Queries) -> str:
    """By resource: the constraints of its table that were never validated, and its indexes that are not valid."""

    def count(place: str) -> str:
        return (
            "select case when t.oid is null then 'NaN'::float8 else\n"
            "    (select count(*) from pg_constraint where conrelid = t.oid and not convalidated)\n"
            "    + (select count(*) from pg_index where indrelid = t.oid\n"
            "       and not (indisvalid and indisready and indislive)) end\n"
            f"from (select to_regclass({literal(place)}) as oid) as t"
        )

    tables = queries.parameters.resources.items()
    return _listed(queries, ["resource"], [([name], count(queries.named(one.table))) for name, one in tables])


def slowest_statement(queries: Queries) -> str:
    """The longest mean time of a statement of the application's; NaN where pg_stat_statements is not installed.

    A query that names the view is refused where it is not there, so it is named in a text; of what runs a text within a
    query, ts_stat is in every build of PostgreSQL.
    """
    tenancy = queries.parameters.tenancy
    role = f"r.rolname ~ {literal(f'^(?:{tenancy.role})$')}" if tenancy and tenancy.role else ""
    means = (
        "\n  select array_to_tsvector(array[max(s.mean_exec_time)::text])\n"
        "  from %I.pg_stat_statements as s join pg_roles as r on r.oid = s.userid\n"
        "  where s.dbid = (select oid from pg_database where datname = current_database())\n"
        f"    and s.calls >= {CALLS} and {(role or 'r.rolname <> current_user').replace('%', '%%')}\n"
        "  having count(*) > 0\n"
    )
    return (
        f"select {queries.integration}, coalesce(max(told.word::float8) / 1000, 'NaN') as value\n"
        "from pg_extension as e join pg_namespace as n on n.oid = e.extnamespace\n"
        f"cross join lateral ts_stat(format({literal(means)}, n.nspname)) as told\n"
        "where e.extname = 'pg_stat_statements'"
    )


# Of which relations a metric speaks ------------------------------------------------------------------------------


def nullable(parameters: Parameters) -> list[Relation]:
    """Return the relations whose children may be without a parent."""
    return [one for one in parameters.relations if one.nullable]


def counting(parameters: Parameters) -> list[Relation]:
    """Return the relations whose parents say how many children they have."""
    return [one for one in parameters.relations if one.counted_by]


def owned(parameters: Parameters) -> list[Relation]:
    """Return the relations of which both ends tell whose their rows are, by as many columns."""
    counts = {name: len(tenancy_columns(parameters, name)) for name in parameters.resources}
    ends = {
        one.name: [counts[end.partition(".")[0]] for end in (one.child, one.parent)] for one in parameters.relations
    }
    return [one for one in parameters.relations if ends[one.name][0] == ends[one.name][1] > 0]


# What they are made of -------------------------------------------------------------------------------------------


def _by_relation(queries: Queries, relations: Iterable[Relation], value: Callable[[Relation, _Ends], str]) -> str:
    listed = [([one.name], value(one, _ends(queries, one))) for one in relations]
    return _listed(queries, ["relation"], listed)


def _ends(queries: Queries, relation: Relation) -> _Ends:
    told: list[tuple[str, str, list[str], list[str]]] = []
    for alias, end in (("c", relation.child), ("p", relation.parent)):
        name, _, column = end.partition(".")
        resource = queries.parameters.resources[name]
        owners = [f"{alias}.{quoted(one)}::text" for one in tenancy_columns(queries.parameters, name)]
        table = f"{queries.named(resource.table)} as {alias}"
        told.append((table, f"{alias}.{quoted(column)}::text", owners, _is_there(alias, *resource.deleted_by)))
    child, parent = told
    return _Ends(child[0], parent[0], child[1], parent[1], child[2], parent[2], child[3], parent[3])


def _is_there(alias: str, column: str, values: Sequence[str]) -> list[str]:
    """Return the condition that a row is not marked as deleted, by a flag, a time, or one of some values."""
    if not column:
        return []
    told = f"{alias}.{quoted(column)}::text"
    marked = f"{told} in ({', '.join(map(literal, values))})" if values else f"{told} <> 'false'"
    return [f"({marked}) is not true"]


def _where(*conditions: str) -> str:
    return "\nwhere " + "\n  and ".join(conditions) if conditions else ""


def _listed(queries: Queries, labels: Sequence[str], values: Sequence[tuple[Sequence[str], str]]) -> str:
    """Return the query of one value for each list of labels; each value is a select of its own."""
    parts = [f"({', '.join(map(literal, told))}, (\n{indented(value, 4)}\n  )::float8)" for told, value in values]
    named = ", ".join(map(quoted, labels))  # one is called like a word of SQL's
    return (
        f"select {queries.integration}, {named}, value\nfrom (values\n  "
        + ",\n  ".join(parts)
        + f"\n) as told ({named}, value)\norder by {named}"
    )
