"""For each check that applies to the ledger, a damage that it must find, and a word that its rows must hold."""

from __future__ import annotations

from tests.ledger.system import Ledger

DECOMPOSED = '"name": "Ångström (decomposed)", "joined": "2026-03-28T23:10:00.000001+00:00"'

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
    "no_delivery_from_the_future": (
        "update ledger.hook_log set sent = arrived + interval '1 minute' where hook = 'N0'",
        "member.created",
    ),
    "registration_succeeded": (
        """update ledger.connection set hooks = jsonb_set(hooks, '{status}', '"partial"') where org = 'S'""",
        "partial",
    ),
    "initial_sync_completed": ("update ledger.job_run set finished = null where org = 'N'", "north"),
    "last_sync_completed": (
        "update ledger.job_run set trouble = 'no' where org = 'S' and job = 'member'",
        "south",
    ),
    "children_of_deleted_parents": (
        "update ledger.invoice set void = true where org = 'S' and store = 'A'",
        "south",
    ),
    "null_keys": (
        """alter table ledger.invoice alter store drop not null;
        update ledger.invoice set store = null where id = (select min(id) from ledger.invoice)""",
        "store",
    ),
    "lookups_use_an_index": (
        "alter table ledger.invoice drop constraint invoice_org_store_number_key",
        "invoice",
    ),
    "last_sync_is_recent": ("update ledger.job_run set finished = '2026-01-01' where job = 'invoice'", "invoice"),
    "syncs_fetched_records": ("update ledger.job_run set got = 0 where org = 'S' and job = 'member'", "south"),
    "every_resource_is_covered": ("delete from ledger.invoice_line", "refined"),
    "migrations_at_head": ("update ledger.alembic_version set version_num = '0001'", "0002"),
    "stored_scopes_match_granted": (
        """update ledger.connection set granted = '["read_members"]' where org = 'S'""",
        "read_invoices",
    ),
    "declared_tables_exist": ("alter table ledger.job_run rename to job_runs", "ledger.job_run"),
    "declared_columns_exist": ('alter table ledger."Member" rename "Full Name" to "full name"', "Full Name"),
    "column_types_fit": ("alter table ledger.invoice alter total type real", "total"),
    "constraints_are_enforced": (
        """alter table ledger.invoice_line drop constraint invoice_line_invoice_id_fkey;
        alter table ledger.invoice_line add constraint came_later
        foreign key (invoice_id) references ledger.invoice (id) not valid""",
        "came_later",
    ),
    "instants_have_a_zone": ("alter table ledger.job_run alter began type timestamp", "began"),
}

# check: (file, what stands there, what it becomes, word)
IN_FILES: dict[str, tuple[str, str, str, str]] = {
    "integration_code_found": ("code/verify.py", "def main(", "def main((", "verify.py"),
    "clock_is_read_with_its_zone": (
        "code/verify.py",
        "def main",
        "from datetime import datetime\n\nSTARTED = datetime.utcnow\n\n\ndef main",
        "verify.py:6",
    ),
    "required_scopes_requested": ("code/rights.py", '"read_invoices",', "", "read_invoices"),
    "required_scopes_granted": ("export/north/scopes.jsonl", "read_members", "read_nothing", "read_members"),
    "no_scope_in_excess": ("code/rights.py", "*BASE,", '*BASE, "write_invoices",', "write_invoices"),
    "scopes_are_documented": ("code/rights.py", "  # members and when they joined", "", "read_members"),
    "every_resource_has_a_sync_function": ("code/pull.py", "def pull_members", "def take_members", "pull_members"),
    "sync_functions_paginate": ("code/pull.py", 'cursor = body.get("next")', "cursor = None", "pull_invoices"),
    "sync_functions_respect_rate_limits": (
        "code/pull.py",
        """        if answer.status_code == 429:
            time.sleep(float(answer.headers["Retry-After"]))
            continue
""",
        "",
        "pull_invoices",
    ),
    "sync_functions_handle_errors": (
        "code/pull.py",
        """        log.exception("pulling %s broke off after %s", path, count)
        raise
""",
        "        pass\n",
        "pull_members",
    ),
    "sync_functions_log": ("code/pull.py", 'logging.getLogger("ledger")', "list()", "pull_members"),
    "duplicate_source_ids": (
        "export/north/members.jsonl",
        f'"n-01", {DECOMPOSED}, "changed": "2026-03-28T23:10:00.000001+00:00"',
        f'"n-00", {DECOMPOSED}, "changed": "2026-03-28T22:30:00+00:00"',
        "north",
    ),
    "lookups_within_budget": (
        "parameters/ledger.yml",
        "policy: {",
        "policy: {query_milliseconds: 0.000001, ",
        "invoice",
    ),
    "wanted_topics_are_in_the_code": ("code/rights.py", '"updated", ', "", "updated"),
    "topics_have_handlers": ("code/receive.py", 'case "invoice.removed":', 'case "invoice.gone":', "invoice.removed"),
    "wanted_topics_are_registered": ("export/north/hooks.jsonl", "member.removed", "member.other", "member.removed"),
    "recorded_topics_are_registered": ("export/north/hooks.jsonl", "member.removed", "member.other", "member.other"),
    "subscriptions_are_wanted": ("export/north/hooks.jsonl", "member.removed", "member.other", "member.other"),
    "webhook_addresses_right": ("export/south/hooks.jsonl", "https://ledger.example", "https://old.example", "south"),
    "create_update_delete_covered": ("code/rights.py", ', "removed")', ")", "invoice"),
    "signature_verified_in_code": (
        "code/receive.py",
        "not hmac.compare_digest(expected, given)",
        "expected != given",
        "receive.py",
    ),
    "missing_webhooks_are_documented": ("code/pull.py", "# Verified: 2026-03-01 - the ledger's team\n", "", "line"),
    "documents_exist": ("parameters/ledger.yml", "api_coverage.md", "coverage.md", "coverage.md"),
    "documents_name_every_resource": ("docs/api_coverage.md", "pull_invoices", "another function", "invoice"),
    "documents_name_every_table": ("docs/data_model.md", "invoice_line", "lines", "invoice_line"),
    "documents_name_every_scope": ("docs/integration.md", "read_invoices", "other", "read_invoices"),
    "documents_name_every_topic": ("docs/webhook_analysis.md", "member.removed", "other", "member.removed"),
    "documents_name_nothing_unknown": ("docs/data_model.md", "Tables:", "Tables: `invoice_old`,", "invoice_old"),
    "data_model_has_a_diagram": ("docs/data_model.md", "erDiagram", "graph", "erDiagram"),
    "monitoring_rules_cover_every_danger": ("code/alerts.yml", "north|south", "north", "south"),
    "monitoring_rules_name_known_metrics": (
        "code/alerts.yml",
        "max by (org) (ledger_last_hook_timestamp_seconds)",
        "max by (org) (ledger_last_hook_seconds)",
        "ledger_last_hook_seconds",
    ),
    "verification_script_exists": ("parameters/ledger.yml", "verify.py", "verify_all.py", "verify_all.py"),
}

FAULTS = {**{name: word for name, (_, word) in IN_TABLES.items()}, **{name: to[-1] for name, to in IN_FILES.items()}}


def damage(ledger: Ledger, check: str) -> None:
    """Make the damage that `check` must find."""
    if check in IN_TABLES:
        ledger.execute(IN_TABLES[check][0])
    else:
        name, change, to, _ = IN_FILES[check]
        ledger.edit(name, change, to)
