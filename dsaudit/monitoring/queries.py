"""The queries behind the metrics: plain selects on the integration's own tables, with its own columns and values.

They are made of the parameter file alone, so that an exporter that knows nothing of dsaudit can run them, and so can
psql. A literal stands as it is beside a column, and PostgreSQL reads it as the column's type: an index can serve, and a
tenant's id is right whatever its type. Each query returns its labels and ``value``. A span in which nothing happened
has the value NaN, which no comparison finds, and what never happened is infinitely long ago.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from psycopg import sql

from dsaudit.parameters import Parameters
from dsaudit.parameters.tables import Raw, Table
from dsaudit.probes import is_ours

LINE = 90
Named = Callable[[str], str]  # a declared table's name as a query has it


def as_declared(name: str) -> str:
    """Return a table's name as the file has it; without a schema, the role's search path finds it."""
    return ".".join(quoted(part) for part in filter(None, name.rpartition(".")[::2]))


@dataclass(frozen=True)
class Queries:
    """Writes the queries of one parameter file: for an exporter, or as of one instant with the tables looked up."""

    parameters: Parameters
    now: str = "now()"
    named: Named = as_declared

    def ingest_age(self) -> str:
        """Since when nothing at all was received, by tenant."""
        return self._ages(self._raw(["received_at"], _of_the_provider(self._raw_table)))

    def webhook_age(self) -> str:
        """Since when no webhook was received and accepted, by tenant."""
        log = self.parameters.deliveries
        if log is None or not tells_tenants(self.parameters, log):
            raw = self._raw_table
            given = [_among(_column(raw, "via", "text"), raw.webhook), *_of_the_provider(raw)]
            return self._ages(self._raw(["received_at"], given))
        given = [_among(_column(log, "outcome", "text"), log.accepted)] if "outcome" in log.columns else []
        given += _of_the_provider(log)
        return self._ages(self._select(self.named(log.table), log, ["received_at"], given))

    def latency(self) -> str:
        """The 95th percentile of the last hour, by resource; what still waits has taken at least until now."""
        policy, raw = self.parameters.policy, self._raw_table
        state, refined = self._state(raw), _column(raw, "refined_at")
        times = [_column(raw, name) for name in ("changed_at", "observed_at") if name in raw.columns]
        changed = f"coalesce({', '.join(times)})"
        waits = _among(state, self._named_state("pending")) if state else "false"
        is_done = _among(f"coalesce({state}, 'processed')", self._named_state("processed")) if state else "true"
        conditions = [
            f"{_column(raw, 'received_at')} >= {self.now} - interval '1 hour'",
            _among(_column(raw, "via", "text"), raw.webhook),
            f"{changed} is not null",
            f"({waits}\n    or {refined} is not null and {is_done})",
            *([f"not coalesce({_column(raw, 'deleted', 'boolean')}, false)"] if "deleted" in raw.columns else []),
            *self._of_tenants(raw),
        ]
        until = f"case when {waits} then {self.now} else {refined} end"
        seconds = f"extract(epoch from {until})\n         - extract(epoch from {changed})"
        changes = self._union({"seconds": seconds, "type": ""}, conditions)
        resources = {name: one.raw or name for name, one in self.parameters.resources.items() if one.webhooks}
        p95 = "percentile_cont(0.95) within group (order by changes.seconds)"
        return (
            f"select {self.integration}, resource.name as resource,\n"
            f"       case when count(changes.seconds) >= {policy.latency_samples}\n"
            f"            then {p95} else 'NaN' end as value\n"
            f"from ({_values(resources.items())}) as resource (name, type)\n"
            f"left join (\n{indented(changes)}\n) as changes on changes.type = resource.type\n"
            "group by resource.name\norder by resource.name"
        )

    def failed_refinements(self) -> str:
        """The share of what was received in the last 24 hours and could not be refined, by tenant."""
        raw = self._raw_table
        recent = f"{_column(raw, 'received_at')} >= {self.now} - interval '24 hours'"
        failed = f"case when {_among(self._state(raw), self._named_state('error'))} then 1 else 0 end"
        rows = self._union({"tenant": self._tenant(raw), "failed": failed}, [recent, *self._of_types(raw)])
        return self._by_tenant("coalesce(avg(one.failed), 'NaN')::float8", rows)

    def refinement_backlog(self) -> str:
        """For how long the oldest raw record has waited for its refinement, by tenant; 0 where none waits."""
        raw = self._raw_table
        state = self._state(raw)
        waits = f"({state} is null or {_among(state, self._named_state('pending'))})"
        columns = {"tenant": self._tenant(raw), "received_at": _column(raw, "received_at")}
        rows = self._union(columns, [waits, *self._of_types(raw)])
        return self._by_tenant(f"coalesce({self._since('min(one.received_at)')}, 0)::float8", rows)

    def refused_deliveries(self) -> str:
        """The share of the last hour's deliveries that were not accepted; a refused one may belong to nobody."""
        log = self.parameters.deliveries
        assert log is not None
        refused = f"case when {_among(_column(log, 'outcome', 'text'), log.accepted)} then 0 else 1 end"
        recent = f"{_column(log, 'received_at')} >= {self.now} - interval '1 hour'"
        return (
            f"select {self.integration},\n       coalesce(avg({refused}), 'NaN')::float8 as value\n"
            f"from {self.named(log.table)}\nwhere {_all([recent, *_of_the_provider(log)])}"
        )

    def sync_age(self) -> str:
        """Since when no sync ended without an error, by tenant and resource."""
        table = self.parameters.syncs
        assert table is not None
        kind, ended = _column(table, "resource", "text"), _column(table, "ended_at")
        if "resource" not in table.columns:
            kind = literal(*self.parameters.types(self.parameters.synced))
        went_well = [f"{ended} is not null"]
        if "state" in table.columns:
            state = _column(table, "state", "text")
            went_well += [f"({state} is null or {_among(state, table.states['success'])})"]
        went_well += [f"{_column(table, 'error')} is null"] if "error" in table.columns else []
        runs = (
            f"select {self._tenant(table)} as tenant,\n       {kind} as type, {ended} as ended_at\n"
            f"from {self.named(table.table)}\nwhere {_all(went_well)}"
        )
        resources = {name: one.raw or name for name, one in self.parameters.resources.items() if one.sync}
        return (
            f"select {self.integration}, tenant.name as tenant, resource.name as resource,\n"
            f"       coalesce({self._since('max(run.ended_at)')}, 'infinity')::float8 as value\n"
            f"from ({_values((name,) for name in self.parameters.tenant_names)}) as tenant (name)\n"
            f"cross join ({_values(resources.items())}) as resource (name, type)\n"
            f"left join (\n{indented(runs)}\n) as run on run.tenant = tenant.name and run.type = resource.type\n"
            "group by tenant.name, resource.name\norder by tenant.name, resource.name"
        )

    # What they are made of ---------------------------------------------------------------------------------------

    @property
    def integration(self) -> str:
        """The first column of every query: whose values these are."""
        return f"{literal(self.parameters.integration)} as integration"

    @property
    def _raw_table(self) -> Raw:
        assert self.parameters.raw is not None  # a metric whose way in is not declared is not asked for
        return self.parameters.raw

    def _since(self, time: str) -> str:
        """Return the seconds since a time; a time without a zone is one of UTC."""
        return f"extract(epoch from {self.now}) - extract(epoch from {time})"

    def _ages(self, selects: Callable[[str], str]) -> str:
        """Return since when nothing came, by tenant: each is looked up by itself, so that an index serves."""
        tenants = [(one.name, one.id) for one in self.parameters.tenants] or [("all", "")]
        newest = ",\n".join(
            f"  ({literal(name)}, (select max(received_at) from (\n{indented(selects(own), 4)}\n  ) as one))"
            for name, own in tenants
        )
        return (
            f"select {self.integration}, tenant,\n"
            f"       coalesce({self._since('newest')}, 'infinity')::float8 as value\n"
            f"from (values\n{newest}\n) as last (tenant, newest)\norder by tenant"
        )

    def _raw(self, names: Sequence[str], conditions: Sequence[str] = ()) -> Callable[[str], str]:
        """Return what makes, for a tenant's id, the select of its raw rows."""
        raw = self._raw_table
        tables = [self.named(table) for table in self.parameters.raw_tables(self.parameters.resources)]
        selects = [self._select(table, raw, names, conditions) for table in tables]
        return lambda own: "\nunion all\n".join(select(own) for select in selects)

    def _select(
        self, source: str, table: Table, names: Sequence[str], conditions: Sequence[str]
    ) -> Callable[[str], str]:
        listed = ", ".join(f"{_column(table, name)} as {name}" for name in names)

        def select(own: str) -> str:
            of_tenant = [f"{_column(table, 'tenant')} = {literal(own)}"] if self.parameters.tenants else []
            held = [*of_tenant, *conditions]
            return f"select {listed} from {source}" + (f"\nwhere {_all(held)}" if held else "")

        return select

    def _union(self, columns: Mapping[str, str], conditions: Sequence[str]) -> str:
        """Return the select of all raw tables' rows; the column ``type`` is that of the record."""
        raw, selects = self._raw_table, []
        for table, kinds in self.parameters.raw_tables(self.parameters.resources).items():
            told = literal(*kinds) if raw.is_one_a_resource else _column(raw, "resource", "text")
            listed = ",\n       ".join(f"{told if name == 'type' else one} as {name}" for name, one in columns.items())
            selects.append(f"select {listed}\nfrom {self.named(table)}\nwhere {_all(conditions)}")
        return "\nunion all\n".join(selects)

    def _by_tenant(self, value: str, rows: str) -> str:
        tenants = _values((name,) for name in self.parameters.tenant_names)
        return (
            f"select {self.integration}, tenant.name as tenant,\n       {value} as value\n"
            f"from ({tenants}) as tenant (name)\n"
            f"left join (\n{indented(rows)}\n) as one on one.tenant = tenant.name\n"
            "group by tenant.name\norder by tenant.name"
        )

    def _tenant(self, table: Table) -> str:
        """Return the expression of the name of a row's tenant."""
        if not self.parameters.tenants:
            return "'all'"
        cases = "".join(f"\n    when {literal(one.id)} then {literal(one.name)}" for one in self.parameters.tenants)
        return f"case {_column(table, 'tenant')}{cases} end"

    def _of_tenants(self, table: Table) -> list[str]:
        """Return the condition that a row is a declared tenant's."""
        ids = ", ".join(literal(one.id) for one in self.parameters.tenants)
        return [f"{_column(table, 'tenant')} in ({ids})"] if ids else []

    def _of_types(self, raw: Raw) -> list[str]:
        """Return the condition that a raw row is of a declared type; of another nobody says that it is refined."""
        kinds = list(self.parameters.types(self.parameters.resources))
        return [] if raw.is_one_a_resource else [_among(_column(raw, "resource", "text"), kinds)]

    def _state(self, raw: Raw) -> str:
        return _column(raw, "state", "text") if "state" in raw.columns else ""

    def _named_state(self, name: Literal["pending", "processed", "error"]) -> list[str]:
        """Return the values of the state's column that mean `name`: those declared, and itself if it means no other."""
        states = self._raw_table.states
        others = {value for values in states.values() for value in values}
        return [*states.get(name, []), *([] if name in others else [name])]


def tells_tenants(parameters: Parameters, table: Table | None) -> bool:
    """Return whether a table is there and tells whose its rows are, as far as there are tenants."""
    return table is not None and (not parameters.tenants or "tenant" in table.columns)


def _of_the_provider(table: Table) -> list[str]:
    """Return the condition that leaves out what our own probe sent, or none where no id would tell it."""
    ids = [_column(table, name, "text") for name in ("delivery_id", "source_id") if name in table.columns]
    return [f"not {is_ours(ids)}"] if ids else []


def _column(table: Table, name: str, kind: str = "") -> str:
    """Return a declared column's expression; what stands inside a JSON column is a text."""
    column, *path = table.columns[name].split(".")
    if not path:
        return f"{quoted(column)}::{kind}" if kind else quoted(column)
    told = f"{quoted(column)}::jsonb #>> array[{', '.join(map(literal, path))}]"
    kind = kind or ("timestamptz" if name.endswith("_at") else "text")
    return f"({told})::{kind}"


def _among(expression: str, values: Sequence[str]) -> str:
    """Return the condition that a text is one of these; as a column's own type may not know them all, it is cast."""
    listed = [*map(literal, values)]
    return f"{expression} = {listed[0]}" if len(listed) == 1 else f"{expression} in ({_wrapped(listed)})"


def _all(conditions: Iterable[str]) -> str:
    return "\n  and ".join(conditions)


def _values(rows: Iterable[Sequence[str]]) -> str:
    return "values " + _wrapped([f"({', '.join(map(literal, row))})" for row in rows])


def _wrapped(parts: Iterable[str]) -> str:
    """Return parts with commas, in lines of no more than a hundred characters if none of them is longer."""
    lines = [""]
    for part in parts:
        if lines[-1] and len(lines[-1]) + len(part) > LINE:
            lines.append("")
        lines[-1] += f", {part}" if lines[-1] else part
    return ",\n    ".join(lines)


def indented(text: str, by: int = 2) -> str:
    """Return a text with each line further to the right."""
    return "\n".join(" " * by + line for line in text.splitlines())


def quoted(name: str) -> str:
    """Return a name as an identifier."""
    return sql.Identifier(name).as_string(None)


def literal(text: str) -> str:
    """Return a text as a string of SQL."""
    return sql.Literal(text).as_string(None).strip()
