"""Fills the ledger with texts of one's choice wherever a text can stand: hostile ones, or personal data."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from psycopg import sql

from tests.ledger import Ledger

SHOWN = [
    *("source_id", "source", "refined", "at_source", "in_refined", "error", "message", "topic", "outcome", "failures"),
    *("note", "body", "code", "about", "delivery_id", "member", "text", "evidence", "value", "field", "started_at"),
    *("scopes", "table", "schema", "Full Name"),
]
NAIVE = [
    "import pandas as pd\nfrom IPython.display import HTML, Markdown\n"
    "own = audit.query('select id, note, body from ledger.hostile order by id')",
    "own.style.set_caption(own['note'][0])",
    "own.set_index('note').style",
    "HTML(own.to_html(escape=False))",
    "Markdown('\\n\\n'.join(own['note']))",
    "display(*(HTML(f'<p>{note}</p>') for note in own['note']))",
    "display(*({'text/vnd.mermaid': note, 'text/plain': 'x'} for note in own['note'][:3]), raw=True)",
    "print(*own['note'])",
]
OWN = """\
-- title: No note is there ({number})
-- why: it would be shown
-- requirement: own
-- severity: low
-- key: {key}
-- examined: select 1000 as examined
{query}
"""


def fill(ledger: Ledger, texts: Sequence[str], *, is_shown: bool) -> dict[str, int]:
    """Put every text into every place, and return how many stand in each.

    With `is_shown` the parameter file lets all of them be shown, and tables, columns and constraints are called so too.
    """
    with ledger.owner() as connection:
        connection.execute("create table ledger.hostile (id integer primary key, note text, body jsonb)")
        for number, text in enumerate(texts):
            body = json.dumps({text: [text, {"deeper": text}]})
            connection.execute("insert into ledger.hostile values (%s, %s, %s)", (number, text, body))
            connection.execute(
                'insert into ledger."Member" (org, code, "Full Name") values (%s, %s, %s)', ("N", text, text)
            )
            connection.execute(
                """insert into ledger.hook_log values (%s, 'N', %s, %s, now(), now(), %s)""", (text,) * 4
            )
        failing = json.dumps({"status": texts[0], "failures": texts})
        connection.execute("update ledger.connection set hooks = hooks || %s", (failing,))
        connection.execute("update ledger.job_run set trouble = %s where job = 'member'", (texts[3],))
        connection.execute("update ledger.job_run set trouble = %s where job = 'invoice'", (texts[11],))
        connection.execute(
            """update ledger.invoice_line set text = n.note from ledger.hostile as n where n.id = line"""
        )
        names = _identifiers(texts) if is_shown else []
        for name in names:
            # A table, its columns and its constraint are called so.
            connection.execute(
                sql.SQL("create table ledger.{} ({} integer constraint {} check (true))").format(
                    sql.Identifier(f"invoice{name}"[:60]), sql.Identifier(name), sql.Identifier(f"c{name}"[:60])
                )
            )
        columns = [sql.SQL("1 as {}").format(sql.Identifier(name)) for name in names]
        named = sql.SQL(", ").join([sql.SQL("1 as id"), *columns])
        connection.execute(sql.SQL("create view ledger.hostile_names as select {}").format(named))
        connection.execute("grant select on all tables in schema ledger to public")
    _export(ledger.folder / "export" / "north" / "members.jsonl", texts)
    _log(ledger.folder / "app.log", texts)
    _declare(ledger, len(texts), is_shown)
    everywhere = ("text columns", "JSON", "keys", "error messages", "source records", "lines of the log")
    return {**dict.fromkeys(everywhere, len(texts)), "names of tables and columns": len(names)}


def _identifiers(texts: Sequence[str]) -> list[str]:
    """Return the payloads as PostgreSQL can call something; a long one loses its end."""
    cut = (text.encode()[:54].decode(errors="ignore") for text in texts)
    return list(dict.fromkeys(name for name in cut if name.strip()))


def _export(path: Path, texts: Sequence[str]) -> None:
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    changed = records[0]["changed"]
    backwards = reversed(texts)
    records += [
        {"code": text if number % 2 else f"missing {text}", "name": other, "joined": changed, "changed": changed}
        for number, (text, other) in enumerate(zip(texts, backwards, strict=True))
    ]
    path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records), encoding="utf-8")


def _log(path: Path, texts: Sequence[str]) -> None:
    at = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    lines = [{"timestamp": at, "level": "error", "message": text, "hook": text} for text in texts]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def _declare(ledger: Ledger, count: int, is_shown: bool) -> None:
    shown = json.dumps(SHOWN if is_shown else [])
    ledger.edit("parameters/ledger.yml", "policy: {in", f"show: {shown}\nlogs: {{files: app.log, columns: "
                "{delivery_id: hook}}\npolicy: {in")  # fmt: skip
    folder = ledger.parameters.with_suffix("") / "checks"
    folder.mkdir(parents=True)
    queries = {f"notes_{at}": ("note", f"select id, note, body from ledger.hostile order by id limit 20 offset {at}")
               for at in range(0, count, 20)}  # fmt: skip
    queries["names"] = ("id", "select * from ledger.hostile_names")
    # A text that is no number: PostgreSQL's error quotes it.
    queries["cast"] = ("id", "select id, note::integer from ledger.hostile order by id")
    for name, (key, query) in queries.items():
        (folder / f"hostile_{name}.sql").write_text(OWN.format(number=name, key=key, query=query), encoding="utf-8")


def add_naive_cells(notebook: Path) -> None:
    """Let a notebook show the same texts as a user in a hurry does, before it closes."""
    content: dict[str, Any] = json.loads(notebook.read_text(encoding="utf-8"))
    cells = [
        {"cell_type": "code", "id": f"naive-{number}", "execution_count": None, "metadata": {}, "outputs": [],
         "source": source}
        for number, source in enumerate(NAIVE)
    ]  # fmt: skip
    content["cells"][-1:-1] = cells
    notebook.write_text(json.dumps(content), encoding="utf-8")
