"""Each check that reads large tables, and the best query that is written by hand for its claim on the same tables.

What is written by hand finds the rows and nothing else; a check also counts what it examined, by tenant and resource
(what several of them count alike is read once in a run, and stands in a line of its own), takes an id as the source has
it whatever its column's type is, and tells why there is no result where there is none.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

import dsaudit
from dsaudit import server
from dsaudit.audit import AuditNotPassed
from dsaudit.audit.counting import with_counts
from tests.benchmarks.cost import SETTINGS, medians, of_postgres, postmaster, write_down
from tests.benchmarks.scale import PARAMETERS, built

BY_HAND = {
    "null_source_ids": "select id from raw where source_id is null or source_id in ('', 'None', 'null')",
    "null_hashes": "select id from raw where content_hash is null",
    "null_keys": "select id from raw where tenant_id is null or source_id is null; "
    "select order_id from orders where tenant_id is null; select customer_id from customers where tenant_id is null",
    "shared_hashes": "select tenant_id, object_type, content_hash from raw group by 1, 2, 3 "
    "having min(source_id) < max(source_id)",
    "consecutive_duplicate_hashes": "select * from (select id, content_hash, lag(content_hash) over (partition by "
    "tenant_id, object_type, source_id order by received_at, id) as before from raw) as r where before = content_hash",
    "one_refined_row_per_source_id": "select order_id from orders group by tenant_id, order_id having count(*) > 1; "
    "select customer_id from customers group by tenant_id, customer_id having count(*) > 1",
    "raw_missing_in_refined": "select id from raw where object_type = 'order' and not exists (select from orders "
    "where orders.tenant_id = raw.tenant_id and order_id = source_id::bigint); select id from raw where "
    "object_type = 'customer' and not exists (select from customers where customers.tenant_id = raw.tenant_id "
    "and customer_id = source_id::bigint)",
    "refined_built_from_newest": "select order_id from orders join (select distinct on (tenant_id, source_id) "
    "tenant_id, source_id, id from raw where object_type = 'order' "
    "order by tenant_id, source_id, changed desc, id desc) as newest "
    "on newest.tenant_id = orders.tenant_id and source_id = order_id::text where raw_id <> newest.id",
    "no_record_from_the_future": "select id from raw where received_at < changed or refined_at < received_at",
    "failed_refinements": "select tenant_id, avg((status = 'error')::int), avg((status = 'error')::int) "
    "filter (where received_at > now() - interval '1 day') from raw group by 1",
    "refinement_backlog": "select id from raw where status = 'pending' and received_at < now() - interval '1 hour'",
    "deliveries_succeed": "select avg((outcome = 'accepted')::int) from delivery",
    "no_delivery_from_the_future": "select delivery_id from delivery where received_at < sent_at",
    "orphans": "select order_id from orders where customer_id is null or not exists (select from customers "
    "where customers.customer_id = orders.customer_id)",
    "references_stay_within_the_tenant": "select order_id from orders join customers using (customer_id) "
    "where orders.tenant_id <> customers.tenant_id",
}
HASHES = "stored_hashes_match_payload"  # which no query can tell: JSON in canonical form
Ask = Callable[[], object]


def main(rows: int, rounds: int) -> None:
    """Measure each check and what is written by hand in turns; print CPU seconds and their ratios."""
    with (
        tempfile.TemporaryDirectory(prefix="dsaudit-bench-") as folder,
        server.running(Path(folder), SETTINGS) as one,
        psycopg.connect(one.url) as connection,
        contextlib.ExitStack() as held,
    ):
        built(one.url, rows)
        os.environ["BENCH_URL"] = one.url
        path = Path(folder) / "scale.yml"
        path.write_text(PARAMETERS.strip() + "\n", encoding="utf-8")
        audit = dsaudit.open(str(path), "datasource/04_deduplication")
        held.enter_context(contextlib.suppress(AuditNotPassed))
        held.callback(audit.close)
        parent = postmaster(one.url)
        audit.check("declared_tables_exist")  # what the first check waits for
        once = _cpu(parent, lambda: with_counts(audit, "{raw_rows} {delivery_rows}"))
        lines = ["| check | dsaudit, CPU s | by hand, CPU s | ratio |", "|---|---:|---:|---:|"]
        lines.append(f"| counts that several checks tell, once in a run | {once:.2f} | | |")
        for name in [*BY_HAND, HASHES]:
            costs: list[tuple[float, float]] = []
            for _ in range(rounds):
                ours = _cpu(parent, lambda name=name: audit.check(name))  # type: ignore[misc]
                costs.append((ours, _cpu(parent, _by_hand(connection, name))))
            ours, hand = (statistics.median(side) for side in zip(*costs, strict=True))
            lines.append(f"| {name} | {ours:.2f} | {hand:.2f} | {ours / hand:.2f} |")
            print(lines[-1], flush=True)
    said = f"PostgreSQL {one.version}, {medians(rounds)}."
    write_down(f"Checks by query, of {rows} raw orders", said, lines)


def _cpu(parent: int, ask: Ask) -> float:
    before = of_postgres(parent) + time.process_time()
    ask()
    return of_postgres(parent) + time.process_time() - before


def _by_hand(connection: psycopg.Connection, name: str) -> Ask:
    if name == HASHES:
        return lambda: _hashed(connection)
    return lambda: [connection.execute(sql.encode()).fetchall() for sql in BY_HAND[name].split(";")]


def _hashed(connection: psycopg.Connection) -> list[int]:
    """Return the rows whose hash is not that of their payload, as a script finds them."""
    wrong = []
    with connection.cursor("payloads") as cursor:
        cursor.itersize = 10_000
        for number, stored, payload in cursor.execute("select id, content_hash, payload from raw"):
            canonical = json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            if hashlib.sha256(canonical.encode()).hexdigest() != stored:
                wrong.append(number)
    return wrong
