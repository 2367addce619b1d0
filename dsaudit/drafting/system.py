"""What a database holds of an integration: which table is which, its tenants, and a sample of its raw records."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dsaudit import naming
from dsaudit.database.shape import Column, Shape
from dsaudit.drafting import content, roles
from dsaudit.drafting.sampling import Row, Sampler

MOST_OBJECTS = 60  # of each raw type
FEW_TENANTS = 200


@dataclass
class Tenant:
    """One row of the table of tenants."""

    id: Any
    row: Row


@dataclass
class Object:
    """One sampled raw record: where it stands, whose it is, and the source's record itself."""

    row_id: Any
    tenant: Any
    source_id: str
    payload: dict[str, Any]


@dataclass
class System:
    """The tables by their role, and what was sampled of the raw one."""

    sampler: Sampler
    tables: Mapping[int, Shape]
    raw: Shape | None = None
    raw_columns: roles.Columns = field(default_factory=dict)
    deliveries: Shape | None = None
    syncs: Shape | None = None
    record: Shape | None = None
    shared: Column | None = None  # the column that tells the tenant where no table of tenants was found
    tenants: list[Tenant] = field(default_factory=list)
    objects: dict[str, list[Object]] = field(default_factory=dict)  # by raw type
    ids: dict[str, set[str]] = field(default_factory=dict)  # all sampled source ids, by raw type
    vias: list[str] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    is_seen: bool = False  # whether the raw table's columns were told by what they hold

    def is_taken(self, shape: Shape) -> bool:
        """Return whether a table has a role already, so that it holds no refined records."""
        taken = [one.oid for one in (self.raw, self.deliveries, self.syncs, self.record) if one]
        return shape.oid in taken or roles.is_bookkeeping(shape)

    def tenant_column(self, shape: Shape) -> tuple[str | None, str | None]:
        """Return the column that tells a row's tenant, and why that is a guess, or None where it is certain."""
        if self.record is None:
            is_here = self.shared and self.shared.name in shape.columns
            return (
                (self.shared.name, "most tables have it, with few values") if self.shared and is_here else (None, None)
            )
        referring = [one.column for one in shape.references.values() if one.table == self.record.oid]
        if referring:
            return referring[0], None
        key = self.record.primary[0] if self.record.primary else None
        if key in shape.columns and key != "id":
            return key, "it is called like the key of the tenants' table; no foreign key says so"
        if column := roles.TENANT.among(shape.columns.values()):
            return column, "by its name; no foreign key says so"
        return None, None


def survey(sampler: Sampler, tables: Mapping[int, Shape]) -> System:
    """Find the tables that are not refined ones, read the tenants, and sample the raw records."""
    system = System(sampler, tables)
    others = [shape for shape in tables.values() if not roles.is_bookkeeping(shape)]
    if told := content.raw(sampler, others):
        system.raw, system.raw_columns = told
        system.is_seen = True
    for role in ("raw", "syncs", "deliveries") if not told else ("syncs", "deliveries"):
        chosen = roles.choose(role, [one for one in others if not system.is_taken(one)])
        setattr(system, role, chosen)
    system.record = _record(system, others)
    if system.record is not None:
        wanted = [name for name in system.record.columns if not re.search(_SECRET, name.lower())]
        rows = sampler.rows(system.record, wanted, FEW_TENANTS)
        key = system.record.primary[0] if system.record.primary else next(iter(system.record.columns))
        system.tenants = sorted((Tenant(row[key], row) for row in rows), key=lambda one: str(one.id))
    elif system.raw is not None:
        _share(system, others)
    if system.raw is not None:
        _sample_raw(system)
    return system


def _share(system: System, shapes: Sequence[Shape]) -> None:
    """Find the column of few values that the raw table and most others have, and take its values for the tenants."""
    assert system.raw is not None
    others = [shape for shape in shapes if not system.is_taken(shape)]
    taken = {*system.raw.primary, *(system.raw_columns[name] for name in content.TOLD if name in system.raw_columns)}
    for column in system.raw.columns.values():
        having = sum(
            other.columns.get(column.name, column).type == column.type and column.name in other.columns
            for other in others
        )
        if column.family in content.IDS and column.name not in taken and having >= max(2, len(others) * content.HALF):
            rows = system.sampler.rows(system.raw, [column.name])
            values = {row[column.name] for row in rows} - {None}
            is_tenant = len(values) > 1 or roles.TENANT.among([column])
            if values and is_tenant and len(values) <= min(FEW_TENANTS, len(rows) / 10):
                system.shared = column
                system.tenants = [Tenant(value, {}) for value in sorted(values, key=str)]
                return


def _record(system: System, shapes: Iterable[Shape]) -> Shape | None:
    """Return the table of tenants: the one that the raw and others refer to, or a small one that holds scopes."""
    free = [shape for shape in shapes if not system.is_taken(shape)]
    counts = {shape.oid: 0 for shape in free}
    for shape in system.tables.values():
        for reference in shape.references.values():
            if reference.table in counts and reference.table != shape.oid:
                counts[reference.table] += 1 + 5 * (shape in (system.raw, system.deliveries, system.syncs))
    small = [shape for shape in free if not shape.is_large]
    most = max(small, key=lambda shape: counts[shape.oid], default=None)
    if (
        most
        and system.raw
        and counts[most.oid] > 5
        and any(one.table == most.oid for one in system.raw.references.values())
    ):
        return most
    named = [shape for shape in free if re.search(_RECORD, shape.name.lower()) and not shape.is_large]
    named.sort(key=lambda shape: counts[shape.oid], reverse=True)
    if named and (counts[named[0].oid] or _holds_scopes(system, named[0])):
        return named[0]
    return next((shape for shape in free if not shape.is_large and _holds_scopes(system, shape)), None)


_SECRET = r"token|secret|password|passwd|credential|private_key"  # nothing that a draft needs
_RECORD = r"integration|connection|installation|account|shop|store|tenant|org|compan|credential|realm|workspace"


def _holds_scopes(system: System, shape: Shape) -> bool:
    columns = [one.name for one in shape.columns.values() if one.family in ("json", "text") or one.type == "text[]"]
    rows = system.sampler.rows(shape, columns, 5) if columns else []
    return any(scopes_in(value) for row in rows for value in row.values())


def scopes_in(value: Any) -> bool:
    """Return whether a value lists OAuth scopes."""
    listed = re.split(r"[,\s]+", value) if isinstance(value, str) else value
    if not isinstance(listed, list) or not listed:
        return False
    return all(isinstance(one, str) and re.fullmatch(SCOPE, one) for one in listed)


SCOPE = r"(unauthenticated_)?(read|write)_\w+|\w+[.:](read|write)|com\.intuit\.\S+|https://\S+/auth/\S+"


def _sample_raw(system: System) -> None:
    raw = system.raw
    assert raw is not None
    columns = system.raw_columns = system.raw_columns or roles.columns_of("raw", raw)
    if key := [name for name in raw.primary if raw.columns[name].is_given or len(raw.primary) == 1]:
        columns["row_id"] = key[0]  # where the table is partitioned, the column that it is parted by stands beside it
    tenant, _ = system.tenant_column(raw)
    if tenant:
        columns["tenant"] = tenant
        for name in [name for name, column in columns.items() if column == tenant and name != "tenant"]:
            del columns[name]
    wanted = [
        name for name in ("row_id", "tenant", "resource", "source_id", "via", "state", "deleted") if name in columns
    ]
    rows = system.sampler.rows(raw, [columns[name] for name in wanted])
    by_name: list[Row] = [{name: row[columns[name]] for name in wanted} for row in rows]
    system.vias = sorted({str(row["via"]) for row in by_name if row.get("via") is not None})
    system.states = sorted({str(row["state"]) for row in by_name if row.get("state") is not None})
    for row in by_name:
        if row.get("source_id") is not None:
            system.ids.setdefault(str(row["resource"]), set()).add(str(row["source_id"]))
    if "row_id" in columns:
        chosen = {row["row_id"]: row for row in _newest(by_name)}
        kept = [columns["row_id"], columns["payload"]]
        for row in system.sampler.found(raw, kept, {columns["row_id"]: list(chosen)}):
            _keep(system, chosen[row[columns["row_id"]]], row[columns["payload"]])


def _newest(rows: Iterable[Row]) -> Iterator[Row]:
    """Yield the newest sampled version of some objects of each type, none of them a deletion."""
    objects: dict[str, dict[tuple[Any, str], Row]] = {}
    for row in sorted(rows, key=lambda row: _order(row["row_id"])):
        if not row.get("deleted") and row["source_id"] is not None and row["resource"] is not None:
            of_type = objects.setdefault(str(row["resource"]), {})
            of_type[(row.get("tenant"), str(row["source_id"]))] = row
    for of_type in objects.values():
        step = max(1, len(of_type) // MOST_OBJECTS)
        yield from list(of_type.values())[::step][:MOST_OBJECTS]


def _order(value: Any) -> tuple[int, str]:
    return (value, "") if isinstance(value, int) else (0, str(value))


def _keep(system: System, row: Row, payload: Any) -> None:
    if isinstance(payload, dict):
        one = Object(row["row_id"], row.get("tenant"), str(row["source_id"]), payload)
        system.objects.setdefault(str(row["resource"]), []).append(one)


def prefix_of(names: Iterable[str]) -> str:
    """Return what most tables' names begin with, to its last ``_``; empty where they share nothing."""
    given = [naming.snake(name) for name in names]
    heads = [name.split("_")[0] for name in given if "_" in name]
    common = max(set(heads), key=heads.count, default="")
    return common if len(given) > 1 and heads.count(common) >= 0.8 * len(given) else ""
