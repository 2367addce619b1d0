"""For each check that applies to the ledger, a damage that it must find, and a word that its rows must hold."""

from __future__ import annotations

from tests.ledger.system import Ledger

# check: (statement, word)
IN_TABLES = {
    "source_missing_in_refined": ("update ledger.invoice set void = true where store = 'a' and org = 'N'", "invoice"),
    "refined_missing_at_source": ("insert into ledger.invoice (org, store, number) values ('S', 'x', 'y')", "south"),
    "field_differences": ("update ledger.invoice set total = total + 0.001 where store = 'A' and org = 'N'", "total"),
    "one_refined_row_per_source_id": (
        """alter table ledger.invoice drop constraint invoice_org_store_number_key;
        insert into ledger.invoice (org, store, number) values ('S', 'A', 'b:c')""",
        "south",
    ),
    "source_keys_are_unique": (
        "alter table ledger.invoice drop constraint invoice_org_store_number_key",
        "invoice",
    ),
    "orphans": (
        """alter table ledger.invoice_line drop constraint invoice_line_invoice_id_fkey;
        update ledger.invoice_line set invoice_id = 77777 where id = 1""",
        "north",
    ),
    "references_stay_within_the_tenant": (
        """update ledger.invoice_line set invoice_id = (select max(id) from ledger.invoice)
        where id = (select min(id) from ledger.invoice_line)""",
        "south",
    ),
    "parents_have_their_children": (
        "update ledger.invoice_line set void = true where org = 'N' and store = 'A'",
        "north",
    ),
    "deliveries_succeed": ("update ledger.hook_log set verdict = 'lost' where hook = 'N0'", "lost"),
    "registration_succeeded": (
        """update ledger.connection set hooks = jsonb_set(hooks, '{status}', '"partial"') where org = 'S'""",
        "partial",
    ),
    "initial_sync_completed": ("update ledger.job_run set finished = null where org = 'N'", "north"),
    "last_sync_completed": (
        "update ledger.job_run set trouble = 'no' where org = 'S' and job = 'member'",
        "south",
    ),
    "last_sync_is_recent": ("update ledger.job_run set finished = '2026-01-01' where job = 'invoice'", "invoice"),
}

# check: (file, what stands there, what it becomes, word)
IN_FILES: dict[str, tuple[str, str, str, str]] = {}

FAULTS = {**{name: word for name, (_, word) in IN_TABLES.items()}, **{name: to[-1] for name, to in IN_FILES.items()}}


def damage(ledger: Ledger, check: str) -> None:
    """Make the damage that `check` must find."""
    if check in IN_TABLES:
        ledger.execute(IN_TABLES[check][0])
    else:
        name, change, to, _ = IN_FILES[check]
        ledger.edit(name, change, to)
