"""A small discovery system: five tables of two tenants, clean and odd, for a test to read or damage."""

from __future__ import annotations

import contextlib
import json
import secrets
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

HERE = Path(__file__).parent
TABLES = ("crewai_flow_state_extensions", "data_imports", "raw_import_records", "discovery_flows", "assets")
ACME, BOREALIS = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
# Whose rows are made: acme has two engagements, and the second of them has the ids of nobody else.
OWNERS = ((ACME, "a0000000-0000-4000-8000-000000000001"), (ACME, "a0000000-0000-4000-8000-000000000002"))
OWNERS += ((BOREALIS, "b0000000-0000-4000-8000-000000000001"),)
NAMES = ("Zoë Ångström", "", " trailing ", 'O\'Neill "Q" \\', "田中 🦊", "%s {child}")
POLICY = (
    "create policy tenant_isolation on {} using"
    " (client_account_id = nullif(current_setting('app.client_account_id', true), '')::uuid"
    " and engagement_id = nullif(current_setting('app.engagement_id', true), '')::uuid)"
)


@dataclass(frozen=True)
class System:
    """A database that a test may read and damage."""

    owner_url: str
    parameters: Path
    environment: dict[str, str]
    app: str
    auditor: str

    def execute(self, *statements: str) -> None:
        """Run statements as the owner; ``APP`` and ``AUDITOR`` stand for the roles."""
        with psycopg.connect(self.owner_url) as connection:
            for statement in statements:
                text = statement.replace("APP", self.app).replace("AUDITOR", self.auditor)
                connection.execute(text)  # type: ignore[call-overload]

    def one(self, query: str) -> Any:
        """Return the first value of a query."""
        with psycopg.connect(self.owner_url) as connection:
            row = connection.execute(query).fetchone()  # type: ignore[call-overload]
            assert row is not None
            return row[0]

    def edit(self, change: str, to: str) -> None:
        """Replace a text in the parameter file; it has to be there."""
        text = self.parameters.read_text(encoding="utf-8")
        assert change in text
        self.parameters.write_text(text.replace(change, to), encoding="utf-8")


def named(number: int, table: str) -> str:
    """Return an id that is the same in every run."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{table}/{number}"))


@contextlib.contextmanager
def running(
    server_url: str,
    folder: Path,
    empty: bool = False,
    schema: str | None = None,
    parameters: str | None = None,
    tables: Sequence[str] = TABLES,
) -> Iterator[System]:
    """Make a system in a new database of the server, and drop it afterwards; of another shape where one is given."""
    token = secrets.token_hex(4)
    name, app, auditor, password = (
        f"discovery_{token}",
        f"discovery_app_{token}",
        f"auditor_{token}",
        secrets.token_hex(9),
    )
    host = server_url.rsplit("@", 1)[1].split("/")[0]
    path = folder / "parameters" / "small-discovery.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    (folder / "notebooks").mkdir(exist_ok=True)
    path.write_text(parameters or (HERE / "parameters.yml").read_text(encoding="utf-8"), encoding="utf-8")
    url = f"postgresql://{auditor}:{password}@{host}/{name}"
    system = System(f"{server_url.rsplit('/', 1)[0]}/{name}", path, {"SMALL_DISCOVERY_URL": url}, app, auditor)
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(f"create database {name}")
        server.execute(f"create role {app} nologin")
        server.execute(f"create role {auditor} login bypassrls password '{password}'")
    try:
        system.execute(schema or (HERE / "schema.sql").read_text(encoding="utf-8"))
        if schema is None:
            _protect(system, tables)
            _fill(system, empty)
        yield system
    finally:
        with psycopg.connect(server_url, autocommit=True) as server:
            server.execute(f"drop database {name} with (force)")
            server.execute(f"drop role {app}")
            server.execute(f"drop role {auditor}")


def _protect(system: System, tables: Sequence[str]) -> None:
    for table in tables:
        system.execute(
            f"alter table {table} enable row level security",
            f"alter table {table} force row level security",
            POLICY.format(table),
            f"grant select, insert, update, delete on {table} to APP",
            f"grant select on {table} to AUDITOR",
        )


def _fill(system: System, empty: bool) -> None:
    with psycopg.connect(system.owner_url) as connection:
        for number, owner in enumerate(() if empty else OWNERS):
            for table, rows in _rows(number).items():
                for row in rows:
                    values = {"client_account_id": owner[0], "engagement_id": owner[1], **row}
                    columns, slots = (sql.SQL(", ").join(map(of, values)) for of in (sql.Identifier, sql.Placeholder))
                    insert = sql.SQL("insert into {} ({}) values ({})").format(sql.Identifier(table), columns, slots)
                    connection.execute(insert, values)


def _rows(number: int) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of one owner: an import of six records, an empty one, and what hangs on nothing by right."""
    flow, flows, imports = (
        named(number, "flow"),
        named(number, "flows"),
        [named(number, f"import{one}") for one in (0, 1)],
    )
    records = [named(number, f"record{one}") for one in range(6)]
    return {
        "crewai_flow_state_extensions": [
            {
                "id": flow,
                "flow_id": named(number, "state"),
                "flow_type": "import",
                "flow_name": NAMES[number],
                "flow_status": "active",
            },
        ],
        "data_imports": [
            {"id": imports[0], "master_flow_id": flow, "filename": "a.csv", "total_records": 6},
            {"id": imports[1], "master_flow_id": flow, "filename": "", "total_records": 0},
        ],
        "raw_import_records": [
            {
                "id": one,
                "data_import_id": imports[0],
                "master_flow_id": flow if place else None,
                "row_number": place + 1,
                "raw_data": json.dumps({"name": NAMES[place]}),
            }
            for place, one in enumerate(records)
        ],
        "discovery_flows": [
            {
                "id": named(number, "d0"),
                "flow_id": flows,
                "master_flow_id": flow,
                "data_import_id": imports[0],
                "progress": 100,
            },
            {"id": named(number, "d1"), "flow_id": named(number, "f1"), "master_flow_id": flow, "progress": 0},
            {"id": named(number, "d2"), "flow_id": named(number, "f2"), "progress": None},
        ],
        "assets": [
            {
                "id": named(number, f"asset{place}"),
                "master_flow_id": flow,
                "discovery_flow_id": flows,
                "raw_import_record_id": one if place else None,
                "name": name,
                "asset_type": "server",
                "cpu_cores": place or None,
            }
            for place, (one, name) in enumerate(zip(records, NAMES, strict=True))
        ],
    }
