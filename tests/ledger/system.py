"""Makes the ledger: its database, the files its source exports, its code and its documents."""

from __future__ import annotations

import contextlib
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

HERE = Path(__file__).parent
ORGS = {"north": "N", "south": "S"}
TOPICS = [f"{kind}.{what}" for kind in ("member", "invoice") for what in ("created", "updated", "removed")]
ADDRESS = "https://ledger.example/hooks"
START = datetime(2026, 3, 28, 22, 30, tzinfo=UTC)  # the clocks of half of Europe change that night
NAMES = [
    "Zoë Ångström",
    "Ångström (decomposed)",
    "",
    " trailing ",
    'O\'Neill "Q" \\',
    "田中",
    "🦊",
    "=1+1",
    "<b>x</b>",
    "%s {raw}",
]

Record = dict[str, Any]


@dataclass(frozen=True)
class Ledger:
    """A ledger that a test may read and damage."""

    folder: Path
    owner_url: str
    parameters: Path
    environment: dict[str, str]

    def owner(self) -> psycopg.Connection[Any]:
        """Connect with the right to write."""
        return psycopg.connect(self.owner_url)

    def execute(self, statement: str, *values: object) -> None:
        """Run one statement as the owner."""
        with self.owner() as connection:
            connection.execute(statement, values or None)  # type: ignore[call-overload]

    def edit(self, name: str, change: str, to: str) -> None:
        """Replace a text in one of the ledger's files; the text has to be there."""
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        assert change in text, f"{name} has no {change!r}"
        path.write_text(text.replace(change, to), encoding="utf-8")


@contextlib.contextmanager
def running(server_url: str, folder: Path, empty: bool = False) -> Iterator[Ledger]:
    """Make a ledger in a new database of the server, and drop it afterwards; `empty` leaves tables and exports so."""
    name, role, password = (f"ledger_{secrets.token_hex(4)}", f"reader_{secrets.token_hex(4)}", secrets.token_hex(12))
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        server.execute(sql.SQL("create role {} login password {}").format(sql.Identifier(role), sql.Literal(password)))
    owner_url = server_url.rsplit("/", 1)[0] + f"/{name}"
    host = server_url.rsplit("@", 1)[1].split("/")[0]
    ledger = Ledger(
        folder, owner_url, parameters_in(folder), {"LEDGER_URL": f"postgresql://{role}:{password}@{host}/{name}"}
    )
    try:
        _fill(ledger, role, {} if empty else {tenant: _records(tenant) for tenant in ORGS})
        yield ledger
    finally:
        with psycopg.connect(server_url, autocommit=True) as server:
            server.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
            server.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))


def parameters_in(folder: Path) -> Path:
    """Write the parameter file below a folder that looks like a project's root."""
    path = folder / "parameters" / "ledger.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    (folder / "notebooks").mkdir(exist_ok=True)
    path.write_text(
        (HERE / "parameters.yml").read_text(encoding="utf-8").replace("FOLDER", str(folder)), encoding="utf-8"
    )
    return path


def _records(tenant: str) -> dict[str, list[Record]]:
    """Return the source's records: odd, and clean. Keys hold separators, cases and blanks that must not be confused."""
    members = [
        {"code": code, "name": name, "joined": _time(number), "changed": _time(number)}
        for number, (code, name) in enumerate(zip(_codes(tenant), NAMES, strict=True))
    ]
    stores = [("a", "b:c"), ("a:b", "c"), ("A", "b:c"), ("a ", "1"), ('q"', "\\"), ("ü", "9007199254740993")]
    invoices = [_invoice(tenant, number, *pair) for number, pair in enumerate(stores)]
    return {"members": members, "invoices": invoices}


def _codes(tenant: str) -> list[str]:
    return [f"{tenant[0]}-{number:02}" for number in range(len(NAMES) - 1)] + ["shared"]


def _invoice(tenant: str, position: int, store: str, number: str) -> Record:
    amounts = [Decimal("10.10"), Decimal("0"), Decimal("-0.005")][: position % 3 + 1]
    lines = [{"text": f"line\n{index}", "amount": str(amount)} for index, amount in enumerate(amounts)]
    return {
        "store": store,
        "number": number,
        "member": None if position == 3 else _codes(tenant)[position],
        "total": str(sum(amounts)),
        "currency": ["EUR", "JPY", "KWD"][position % 3],
        "issued": "2028-02-29",
        "paid": [True, False, None][position % 3],
        "changed": _time(position),
        "lines": lines,
    }


def _time(number: int) -> str:
    """Return an instant with an offset, some with microseconds."""
    return (START + timedelta(minutes=40 * number, microseconds=number)).isoformat()


def _fill(ledger: Ledger, role: str, records: dict[str, dict[str, list[Record]]]) -> None:
    with ledger.owner() as connection:
        connection.execute((HERE / "schema.sql").read_text(encoding="utf-8"))  # type: ignore[call-overload]
        for tenant, of_tenant in records.items():
            _store(connection, tenant, of_tenant)
        connection.execute("insert into ledger.alembic_version values ('0002')")
        for statement in ("grant usage on schema ledger to {}", "grant select on all tables in schema ledger to {}"):
            connection.execute(sql.SQL(statement).format(sql.Identifier(role)))
    for tenant in ORGS:
        _export(ledger.folder / "export" / tenant, records.get(tenant, {"members": [], "invoices": []}))
    _copy(HERE / "code", ledger.folder / "code")
    _copy(HERE / "docs", ledger.folder / "docs")


def _store(connection: psycopg.Connection[Any], tenant: str, records: dict[str, list[Record]]) -> None:
    org = ORGS[tenant]
    for member in records["members"]:
        values = (org, member["code"], member["name"], member["joined"], member["changed"])
        connection.execute('insert into ledger."Member" values (%s, %s, %s, %s, %s)', values)
    for invoice in records["invoices"]:
        names = ("store", "number", "member", "total", "currency", "issued", "paid", "changed")
        row = connection.execute(
            f"insert into ledger.invoice (org, {', '.join(names)}) values (%s{', %s' * len(names)}) returning id",  # type: ignore[arg-type]
            (org, *(invoice[name] for name in names)),
        ).fetchone()
        assert row is not None
        for number, line in enumerate(invoice["lines"], 1):
            connection.execute(
                "insert into ledger.invoice_line (invoice_id, org, store, number, line, text, amount)"
                " values (%s, %s, %s, %s, %s, %s, %s)",
                (row[0], org, invoice["store"], invoice["number"], number, line["text"], line["amount"]),
            )
    # A row that was deleted at the source stays, marked.
    connection.execute('insert into ledger."Member" (org, code, void) values (%s, %s, true)', (org, "gone"))
    _store_traffic(connection, org)


def _store_traffic(connection: psycopg.Connection[Any], org: str) -> None:
    for number, topic in enumerate(TOPICS):
        values = (f"{org}{number}", org, topic, "a", START, START + timedelta(seconds=1), "ok")
        connection.execute("insert into ledger.hook_log values (%s, %s, %s, %s, %s, %s, %s)", values)
    now = datetime.now(UTC)
    for job, got in (("member", 10), ("invoice", 6)):
        values = (org, job, now - timedelta(hours=2), now - timedelta(hours=1), got, 1, START, None)
        connection.execute("insert into ledger.job_run values (%s, %s, %s, %s, %s, %s, %s, %s)", values)
    hooks = {"status": "completed", "success_rate": 100.0, "success_count": len(TOPICS), "failures": []}
    hooks["topics"] = [{"topic": topic, "address": ADDRESS, "id": number} for number, topic in enumerate(TOPICS)]
    granted = json.dumps(["read_members", "read_invoices"])
    connection.execute("insert into ledger.connection values (%s, %s, %s)", (org, granted, json.dumps(hooks)))


def _export(folder: Path, records: dict[str, list[Record]]) -> None:
    folder.mkdir(parents=True)
    scopes = [{"handle": "read_members"}, {"handle": "read_invoices"}]
    hooks = [{"id": number, "topic": topic, "address": ADDRESS} for number, topic in enumerate(TOPICS)]
    for name, rows in {**records, "scopes": scopes, "hooks": hooks}.items():
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
        (folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")


def _copy(source: Path, target: Path) -> None:
    for path in source.rglob("*"):
        if path.is_file():
            copy = target / path.relative_to(source).with_suffix("" if path.suffix == ".txt" else path.suffix)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
