"""What the database's catalogue says of constraints: foreign keys, indexes, and columns that cannot be empty.

Read once, in one transaction at the run's instant; no row of a table is read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dsaudit.database import Database

if TYPE_CHECKING:
    from dsaudit.audit import Audit

RULES = {"a": "no_action", "r": "restrict", "c": "cascade", "n": "set_null", "d": "set_default"}
Pair = tuple[str, str]  # a child's column, and the parent's that it refers to


@dataclass(frozen=True)
class ForeignKey:
    """A foreign key from the table `child` to the table `parent`, both by object id.

    `cleared` are the columns that a delete sets, of those rules that set any; `problem` says why it is not at work.
    """

    name: str
    child: int
    parent: int
    pairs: tuple[Pair, ...]
    rule: str
    cleared: tuple[str, ...]
    definition: str
    problem: str | None
    is_validated: bool
    is_inherited: bool  # a partition's, made by that of its table


@dataclass(frozen=True)
class Index:
    """An index that can find rows by its columns; `partial` is the condition that it is limited to."""

    table: int
    columns: tuple[str, ...]
    is_unique: bool
    partial: str | None


@dataclass(frozen=True)
class Constraints:
    """The constraints of all tables, by their object ids."""

    kinds: Mapping[int, str]  # as pg_class has them: r, p, v, m or f
    names: Mapping[int, tuple[str, str]]  # schema and table
    foreign_keys: list[ForeignKey]
    indexes: list[Index]
    filled: Collection[tuple[int, str]]  # columns that cannot be null
    leaves: Mapping[int, list[int]]  # the partitions that hold the rows of a partitioned table
    heirs: Collection[tuple[int, int]] = ()  # tables with one that they inherit from

    def finds(self, table: int, column: str, beside: Collection[str] = ()) -> bool:
        """Return whether an index finds the rows of a table by one column, those in `beside` being known as well.

        Of a partitioned table it may be an index of each partition.
        """
        known = {column, *beside}
        for index in self.indexes:
            place = index.columns.index(column) if index.columns and column in index.columns else len(known)
            is_whole = index.partial in (None, f"({column} IS NOT NULL)", f'("{column}" IS NOT NULL)')
            if index.table == table and place < len(known) and set(index.columns[: place + 1]) <= known and is_whole:
                return True
        leaves = self.leaves.get(table, [])
        return bool(leaves) and all(self.finds(leaf, column, beside) for leaf in leaves)

    def is_unique(self, table: int, columns: Collection[str]) -> bool:
        """Return whether a unique index is on just these columns, so that a foreign key can refer to them."""
        return any(
            one.table == table and one.is_unique and not one.partial and set(one.columns) == set(columns)
            for one in self.indexes
        )


def constraints(audit: Audit) -> Constraints:
    """Return the constraints of all tables of the audited database, which is asked once.

    Raises
    ------
    QueryError
        The catalogue cannot be read.
    """
    known: Constraints | None = audit.kept.get("constraints")
    if known is None:
        known = audit.kept["constraints"] = read(audit.database)
    return known


def read(database: Database) -> Constraints:
    """Return the constraints of all tables of a database.

    Raises
    ------
    QueryError
        The catalogue cannot be read.
    """
    asked = [TABLES, FOREIGN_KEYS, INDEXES, FILLED, LEAVES, HEIRS]
    tables, keys, indexes, filled, leaves, heirs = (answer.records for answer in database.queries(asked, most=None))
    of_table: dict[int, list[int]] = {}
    for row in leaves:
        of_table.setdefault(row["root"], []).append(row["oid"])
    return Constraints(
        {row["oid"]: row["kind"] for row in tables},
        {row["oid"]: (row["schema"], row["name"]) for row in tables},
        [_foreign_key(row) for row in keys],
        [Index(row["oid"], tuple(row["columns"]), row["is_unique"], row["partial"]) for row in indexes],
        {(row["oid"], row["column"]) for row in filled},
        of_table,
        {(row["oid"], row["parent"]) for row in heirs},
    )


def _foreign_key(row: dict[str, Any]) -> ForeignKey:
    pairs = tuple(zip(row["columns"], row["parents"], strict=True))
    problem = (
        "it is declared as not enforced"
        if not row["is_enforced"]
        else "its triggers are switched off"
        if row["is_off"]
        else None
    )
    cleared = tuple(row["cleared"] or row["columns"]) if row["rule"] in "nd" else ()
    definition, rule = row["definition"], RULES[row["rule"]]
    ends = (row["name"], row["child"], row["parent"])
    return ForeignKey(*ends, pairs, rule, cleared, definition, problem, row["is_validated"], row["is_inherited"])


_OURS = "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"

TABLES = f"""
select c.oid::bigint as oid, n.nspname::text as schema, c.relname::text as name, c.relkind::text as kind
from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f') and {_OURS}
"""

# What only newer servers have is asked for by name, and is null on the others.
FOREIGN_KEYS = """
select o.conname::text as name, o.conrelid::bigint as child, o.confrelid::bigint as parent, o.confdeltype::text as rule,
       o.convalidated as is_validated, o.conparentid <> 0 as is_inherited,
       coalesce((to_jsonb(o) ->> 'conenforced')::boolean, true) as is_enforced,
       exists (select from pg_trigger as t where t.tgconstraint = o.oid and t.tgenabled in ('D', 'R')) as is_off,
       pg_get_constraintdef(o.oid) as definition,
       array(select a.attname::text from unnest(o.conkey) with ordinality as k (number, place)
             join pg_attribute as a on a.attrelid = o.conrelid and a.attnum = k.number order by k.place) as columns,
       array(select a.attname::text from unnest(o.confkey) with ordinality as k (number, place)
             join pg_attribute as a on a.attrelid = o.confrelid and a.attnum = k.number order by k.place) as parents,
       array(select a.attname::text from jsonb_array_elements_text(
               case jsonb_typeof(to_jsonb(o) -> 'confdelsetcols')
                 when 'array' then to_jsonb(o) -> 'confdelsetcols' else '[]' end) as k (number)
             join pg_attribute as a on a.attrelid = o.conrelid and a.attnum = k.number::smallint
             order by a.attnum) as cleared
from pg_constraint as o
where o.contype = 'f'
order by o.conrelid, o.conname
"""

INDEXES = f"""
select i.indrelid::bigint as oid, i.indisunique as is_unique, pg_get_expr(i.indpred, i.indrelid) as partial,
       array(select a.attname::text from unnest(i.indkey::smallint[]) with ordinality as k (number, place)
             join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = k.number
             where k.place <= i.indnkeyatts order by k.place) as columns
from pg_index as i
join pg_class as own on own.oid = i.indexrelid
join pg_am as m on m.oid = own.relam
join pg_class as c on c.oid = i.indrelid
join pg_namespace as n on n.oid = c.relnamespace
where i.indisvalid and i.indisready and i.indislive and i.indexprs is null and m.amname in ('btree', 'hash') and {_OURS}
order by i.indrelid, i.indexrelid
"""

# A NOT NULL that was never validated has not looked at the rows before it; a domain, or a check, can say it as well.
FILLED = f"""
select a.attrelid::bigint as oid, a.attname::text as column
from pg_attribute as a
join pg_class as c on c.oid = a.attrelid
join pg_namespace as n on n.oid = c.relnamespace
join pg_type as t on t.oid = a.atttypid
where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p', 'f') and {_OURS}
  and (
    t.typnotnull
    or a.attnotnull and not exists (
      select from pg_constraint as o
      where o.conrelid = a.attrelid and o.contype = 'n' and o.conkey = array[a.attnum] and not o.convalidated)
    or exists (
      select from pg_constraint as o
      where o.conrelid = a.attrelid and o.contype = 'c' and o.convalidated
        and pg_get_expr(o.conbin, o.conrelid) = format('(%%I IS NOT NULL)', a.attname))
  )
"""

LEAVES = """
select t.relid::oid::bigint as oid, c.oid::bigint as root
from pg_class as c cross join lateral pg_partition_tree(c.oid) as t
where c.relkind = 'p' and t.isleaf and t.relid <> c.oid
order by 2, 1
"""

HEIRS = "select inhrelid::bigint as oid, inhparent::bigint as parent from pg_inherits order by 1, 2"
