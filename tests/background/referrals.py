"""A sync that runs in the background, without its parts: one resource, the history of its runs, and its log.

There is no raw table, no delivery and no tenant. `Referrals.run` adds a run to the history and its line to the log.
"""

from __future__ import annotations

import contextlib
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from dsaudit.verdict import Verdict
from tests.checks.auditing import all_rows, opened

SECONDS = 600
SCHEMA = """
create table referrals (
  id bigserial primary key, referral_id text not null, referral_type text, company_name text, domain text,
  status text not null, deal_value numeric(18, 4), source_updated_at timestamptz, synced_at timestamptz not null);
create view leads_ready as
  select referral_id, domain, company_name, referral_type, status from referrals
  where domain is not null and status <> 'Closed';
create table sync_runs (
  id bigserial primary key, task_id text not null, trigger text, status text not null, feature_flag_state text,
  started_at timestamptz not null, ended_at timestamptz, fetched int, pages int, new_count int, updated_count int,
  skipped_count int, failed_count int, error text);
"""
FILE = """
integration: referrals
blueprints: [background_sync]
database: {url_env: REFERRALS_URL}
source: {kind: files, folder: FOLDER/export}
syncs:
  table: sync_runs
  columns: {tenant: none, resource: none, watermark: none, task_id: task_id, trigger: trigger, state: status,
            added: new_count, updated: updated_count, skipped: skipped_count, failed: failed_count,
            flag: feature_flag_state}
policy: {in_flight_seconds: 0, clock_error_seconds: 1}
schedule: {entry: sync-referrals, seconds: 600, from: table}
ready: {view: leads_ready, key: referral_id, columns: [referral_type, domain]}
logs:
  files: FOLDER/worker.log
  columns: {at: timestamp, level: level, message: event, error: error}
  runs:
    messages: {completed: sync_completed, failed: sync_failed, skipped: sync_skipped}
    task_id: task_id
    fields: {source: text, duration: number, env: text, feature_flag_state: text, new: integer, updated: integer,
             skipped: integer}
resources:
  referral:
    table: referrals
    key: referral_id
    read: referrals.jsonl
    updated: updatedDateTime
    updated_column: source_updated_at
    known: {created: createdDateTime}
    sync: sync_referrals
    counted_by: [referral_type, status]
    fields:
      referral_type: {from: type, as: text}
      company_name: {from: customerProfile.name, as: text}
      domain: {from: customerProfile.website, as: domain}
      status: text
      deal_value: {from: details.dealValue, as: decimal}
"""
WEBSITES = [
    ("HTTPS://WWW.Contoso.example/de?x=1", "contoso.example"),
    ("contoso.example.", "contoso.example"),
    ("münchen.example", "xn--mnchen-3ya.example"),
    ("fabrikam.example", "fabrikam.example"),
    (None, None),
    ("", None),
]
LOGGED = {"success": "sync_completed", "failed": "sync_failed", "skipped": "sync_skipped"}


@dataclass
class Referrals:
    """The system, for a test to read and to damage."""

    folder: Path
    owner_url: str
    parameters: Path
    environment: dict[str, str]
    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    count: int = 0

    def execute(self, statement: str, *values: object) -> None:
        """Run statements as the owner."""
        with psycopg.connect(self.owner_url) as connection:
            connection.execute(statement, values or None)  # type: ignore[call-overload]

    def edit(self, change: str, to: str) -> None:
        """Replace a text in the parameter file; it has to be there."""
        text = self.parameters.read_text(encoding="utf-8")
        assert change in text, change
        self.parameters.write_text(text.replace(change, to), encoding="utf-8")

    def ago(self, seconds: float) -> datetime:
        """Return the time so many seconds before the test began."""
        return self.now - timedelta(seconds=seconds)

    def run(self, ago: float, seconds: float | None = 1, logged: bool = True, **given: Any) -> str:
        """Add a run that began so long ago and, with `seconds`, has ended; return its task's id."""
        self.count += 1
        status = given.get("status", "success" if seconds is not None else "running")
        counts = (6, 1, 0, 0, 6, 0) if status == "success" else (0, 0, 0, 0, 0, 0)
        names = ("fetched", "pages", "new_count", "updated_count", "skipped_count", "failed_count")
        ended = None if seconds is None else self.ago(ago) + timedelta(seconds=seconds)
        row = {
            "task_id": f"task-{self.count:03}", "trigger": "beat", "status": status, "feature_flag_state": "enabled",
            "started_at": self.ago(ago), "ended_at": ended, **dict(zip(names, counts, strict=True)), **given,
        }  # fmt: skip
        columns = sql.SQL(", ").join(map(sql.Identifier, row))
        with psycopg.connect(self.owner_url) as connection:
            connection.execute(
                sql.SQL("insert into sync_runs ({}) values ({})").format(
                    columns, sql.SQL(", ").join([sql.Placeholder()] * len(row))
                ),
                list(row.values()),
            )
        if logged and ended and status in LOGGED:
            self.log(LOGGED[status], ended, task_id=row["task_id"], duration=seconds, new=row["new_count"],
                     updated=row["updated_count"], skipped=row["skipped_count"])  # fmt: skip
        return str(row["task_id"])

    def log(self, event: str, at: datetime, **values: Any) -> None:
        """Add a line to the log."""
        level = "error" if event == "sync_failed" else "info"
        line = {"timestamp": at.isoformat(), "level": level, "event": event, "source": "referral_sync", "env": "test"}
        line |= {"feature_flag_state": "enabled", "duration": 1.0, "new": 0, "updated": 0, "skipped": 0, **values}
        with (self.folder / "worker.log").open("a", encoding="utf-8") as file:
            file.write(json.dumps({name: value for name, value in line.items() if value is not ...}) + "\n")

    def relog(self, change: Any) -> None:
        """Write each line of the log anew as `change` returns it; None leaves it out."""
        path = self.folder / "worker.log"
        lines = [change(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
        text = "".join(json.dumps(line) + "\n" for line in lines if line is not None)
        path.write_text(text, encoding="utf-8")

    def check(self, name: str) -> tuple[Verdict, list[dict[str, Any]]]:
        """Return a check's verdict, with all of its rows."""
        with opened(self.parameters, self.environment) as audit:
            verdict = audit.check(name)
            return verdict, all_rows(audit, verdict)


@contextlib.contextmanager
def running(server_url: str, folder: Path, empty: bool = False) -> Iterator[Referrals]:
    """Make the system in a new database of the server, and drop it afterwards; an `empty` one has a source alone."""
    name, role, password = (f"referrals_{secrets.token_hex(4)}", f"reader_{secrets.token_hex(4)}", secrets.token_hex(9))
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        server.execute(sql.SQL("create role {} login password {}").format(sql.Identifier(role), sql.Literal(password)))
    owner_url = server_url.rsplit("/", 1)[0] + f"/{name}"
    host = server_url.rsplit("@", 1)[1].split("/")[0]
    for inside in ("export", "parameters", "notebooks"):
        (folder / inside).mkdir(parents=True)
    path = folder / "parameters" / "referrals.yml"
    path.write_text(FILE.replace("FOLDER", str(folder)), encoding="utf-8")
    (folder / "worker.log").touch()
    (folder / "export" / "referrals.jsonl").touch()
    url = f"postgresql://{role}:{password}@{host}/{name}"
    system = Referrals(folder, owner_url, path, {"REFERRALS_URL": url})
    try:
        with psycopg.connect(owner_url) as connection:
            connection.execute(SCHEMA)
            connection.execute(
                sql.SQL("grant select on all tables in schema public to {}").format(sql.Identifier(role))
            )
        _fill(system)
        if empty:
            (folder / "worker.log").write_text("", encoding="utf-8")
            system.execute("truncate referrals, sync_runs")
            system.count = 0
        yield system
    finally:
        with psycopg.connect(server_url, autocommit=True) as server:
            server.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
            server.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))


def _fill(system: Referrals) -> None:
    """Fill it with what is odd, and clean."""
    records = []
    for number, (website, domain) in enumerate(WEBSITES):
        record = {
            "id": f"r-{number}", "type": ["Shared", "Independent"][number % 2],
            "status": ["New", "Active", "Closed"][number % 3],
            "createdDateTime": system.ago(90_000 - number).isoformat(),
            "updatedDateTime": system.ago(80_000 - number).isoformat(),
            "customerProfile": {"name": ["Zoë", "Ünïcode", "=1+1"][number % 3], "website": website},
            "details": {"dealValue": number * 1234.5},
        }  # fmt: skip
        records.append(record)
        system.execute(
            "insert into referrals (referral_id, referral_type, company_name, domain, status, deal_value,"
            " source_updated_at, synced_at) values (%s, %s, %s, %s, %s, %s, %s, %s)",
            record["id"], record["type"], record["customerProfile"]["name"], domain, record["status"],
            record["details"]["dealValue"], record["updatedDateTime"], system.ago(79_000),
        )  # fmt: skip
    lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    (system.folder / "export" / "referrals.jsonl").write_text(lines, encoding="utf-8")
    first = 30 * SECONDS + 100
    for number in range(30):
        # One is much longer than the interval; those that were due meanwhile follow it at once.
        late, seconds = {10: (0, 1500), 11: (901, 1), 12: (303, 1)}.get(number, (0, 1 + number % 3))
        odd: dict[str, Any] = {}
        if number == 5:
            odd = {"status": "skipped", "feature_flag_state": "disabled", "pages": 0}
        if number == 7:
            odd = {"status": "failed", "error": "PartnerError: answered with 503", "fetched": None}
        system.run(first - number * SECONDS - late, seconds, **odd)
    system.run(first - 20 * SECONDS - 200, 2, trigger="api")
    system.run(first - 21 * SECONDS - 200, 2, trigger=None)
    # One was killed, and the next, which held the lock, said so; it left no line.
    system.run(first - 22 * SECONDS - 200, 280, logged=False, trigger="direct", status="abandoned")
    system.run(first - 22 * SECONDS - 480, 2, trigger="direct")
    system.run(first - 30 * SECONDS, None)  # and this one is under way
