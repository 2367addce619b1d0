"""Whose the rows are: the columns that policies of row security bind, the settings by which they know the tenant.

Where there is no row security, a column that most tables have is offered and not declared: whether the tenants have to
be kept apart by the database is for a person to say.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dsaudit.database import Database
from dsaudit.database.shape import Shape
from dsaudit.drafting import roles
from dsaudit.drafting.draft import Draft
from dsaudit.facts.tenancy import bound
from dsaudit.verdict.card import plural

HALF = 0.5
_SETTING = re.compile(r"current_setting\('([^']+)'")
_IDS = ("text", "integer", "uuid")


@dataclass(frozen=True)
class Owned:
    """The columns that tell whose a row is, the broadest first; how many tables' policies bind them, and the rest."""

    columns: list[str]
    settings: Mapping[str, str]
    secured: int  # tables with policies
    shared: list[str]  # resources without one of the columns
    roles: list[str]  # that may use the secured tables, and neither own them nor go around row security
    narrower: list[str]  # columns that policies bind as well, and that not all tables of the tenants have


def owned_by(database: Database, tables: Mapping[int, Shape], names: Mapping[int, str]) -> Owned | None:
    """Return what the policies of the tables say of their owners, None where there is no row security that says any.

    Raises
    ------
    QueryError
        PostgreSQL's own catalogue cannot be read.
    """
    rows = database.query(POLICIES, {"tables": list(tables)}, most=None).records
    secured = {row["oid"] for row in rows}
    pairs: dict[int, set[tuple[str, str | None]]] = {}
    for row in rows:
        pairs.setdefault(row["oid"], set()).update(_bound(f"{row['condition']}", tables[row["oid"]]))
    counted = Counter(column for found in pairs.values() for column in {name for name, _ in found})
    columns = [name for name, count in counted.most_common() if count >= HALF * len(secured)]
    if not columns:
        return None
    places = {name: _place(name, [tables[oid] for oid in secured]) for name in columns}
    columns.sort(key=lambda name: (-counted[name], places[name]))
    # One that some of the tenants' tables lack would leave these out: it is told, and not taken.
    owned = [tables[oid] for oid, bound_ in pairs.items() if columns[0] in {name for name, _ in bound_}]
    narrower = [name for name in columns if not all(name in one.columns for one in owned)]
    columns = [name for name in columns if name not in narrower]
    by_setting = Counter((name, by) for found in pairs.values() for name, by in found if by)
    settings = {
        name: max((count, by) for (column, by), count in by_setting.items() if column == name)[1]
        for name in columns
        if any(column == name for column, _ in by_setting)
    }
    shared = [names[oid] for oid, shape in tables.items() if not {*columns} <= {*shape.columns}]
    found = [row["name"] for row in database.query(ROLES, {"tables": list(secured)}, most=None).records]
    return Owned(columns, settings, len(secured), shared, found, narrower)


def _bound(condition: str, shape: Shape) -> Iterable[tuple[str, str | None]]:
    """Yield the columns that a policy holds each row to, each with the setting that it compares with, if any."""
    settings: list[str | None] = [*dict.fromkeys(_SETTING.findall(condition))]
    for column in shape.columns.values():
        for setting in settings or [None]:
            is_like_an_owner = setting or roles.TENANT.among([column])
            if column.family in _IDS and is_like_an_owner and bound(condition, {column.name: setting}):
                yield column.name, setting


def _place(name: str, tables: Iterable[Shape]) -> int:
    return min((list(one.columns).index(name) for one in tables if name in one.columns), default=0)


def put(draft: Draft, owned: Owned) -> None:
    """Set the section."""
    what = plural(owned.secured, "table")
    if owned.narrower:
        draft.note(
            "tenancy", f"{', '.join(owned.narrower)}: policies bind it too, but some of the tenants' tables lack it"
        )
    draft.put("tenancy.columns", owned.columns, f"the policies of {what} bind {' and '.join(owned.columns)}")
    draft.put("tenancy.settings", dict(owned.settings))
    if len(owned.roles) == 1:
        why = "the only one that may log in and change these tables, and that neither owns them nor is a superuser"
        draft.put("tenancy.role", re.escape(owned.roles[0]), why)
    else:
        told = (
            f": {', '.join(owned.roles)}" if owned.roles else "; no role but owners and superusers may log in and do so"
        )
        draft.ask("tenancy", f"role: as which the application connects{told}")
    draft.put("tenancy.shared", owned.shared, "they lack one of the columns; see whether their rows belong to nobody")
    draft.ask("tenants", "the name and id of each, for results by tenant; {name: acme, id: …}")


def offer(draft: Draft, tables: Mapping[int, Shape], names: Mapping[int, str]) -> None:
    """Offer the column that is called like a tenant's and that most tables have."""
    found = Counter(name for one in tables.values() if (name := _named(one)))
    for column, count in found.most_common(1):
        if count >= max(3, HALF * len(tables)):
            value: dict[str, Any] = {"columns": [column]}
            if shared := [names[oid] for oid, one in tables.items() if column not in one.columns]:
                value["shared"] = shared
            what = f"{count} of {plural(len(tables), 'table')} have {column}"
            draft.offer("tenancy", value, f"{what}, and none row security, which would be asked of each of them")


def _named(shape: Shape) -> str | None:
    key = shape.primary[0] if len(shape.primary) == 1 else None
    return roles.TENANT.among(column for column in shape.columns.values() if column.name != key)


POLICIES = """
select p.polrelid::bigint as oid,
       coalesce(pg_catalog.pg_get_expr(p.polqual, p.polrelid), pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid), '')
         as condition
from pg_catalog.pg_policy as p join pg_catalog.pg_class as c on c.oid = p.polrelid
where c.relrowsecurity and p.polrelid::bigint = any(%(tables)s)
order by 1, p.polname
"""

ROLES = """
select r.rolname::text as name from pg_catalog.pg_roles as r
where r.rolcanlogin and not r.rolsuper and not r.rolbypassrls and r.rolname <> current_user
  and (select pg_catalog.bool_or(pg_catalog.has_table_privilege(r.oid, c.oid, 'insert, update, delete'))
         and not pg_catalog.bool_or(pg_catalog.pg_has_role(r.oid, c.relowner, 'member'))
       from pg_catalog.pg_class as c where c.oid::bigint = any(%(tables)s))
order by 1
"""
