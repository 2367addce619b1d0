"""Faults of relations: statements that damage a clean system, and what has to be said of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.integrity.system import named

OF_FLOWS = "asset.discovery_flow_id → discovery_flow.flow_id"
OF_RECORDS = "raw_import_record.data_import_id → data_import.id"
UNKNOWN = "99999999-9999-4999-8999-999999999999"


@dataclass(frozen=True)
class Fault:
    """Statements that damage a clean system, the check that names it, what stands in its rows, and what may follow."""

    statements: tuple[str, ...]
    check: str
    rows: tuple[dict[str, object], ...]
    may: frozenset[str] = field(default_factory=frozenset)


def fault(check: str, *statements: str, rows: list[dict[str, object]], may: str = "") -> Fault:
    return Fault(statements, check, tuple(rows), frozenset(may.split()))


DROP = "alter table assets drop constraint assets_discovery_flow_id_fkey"
RELATIONS = {
    "a foreign key is dropped": fault(
        "relations_are_foreign_keys",
        DROP,
        rows=[
            {
                "relation": OF_FLOWS,
                "problem": "there is no foreign key on its column",
                "instead": None,
                "statement": 'alter table "public"."assets" add foreign key ("discovery_flow_id") references'
                ' "public"."discovery_flows" ("flow_id") on delete set null',
            }
        ],
        may="delete_rules_are_declared",
    ),
    "a foreign key leads to another column": fault(
        "relations_are_foreign_keys",
        DROP,
        "alter table assets add constraint other foreign key (discovery_flow_id) references discovery_flows (id)"
        " on delete set null not valid",
        rows=[{"relation": OF_FLOWS, "problem": "the foreign key on its column leads elsewhere"}],
        may="delete_rules_are_declared constraints_are_enforced foreign_keys_are_declared",
    ),
    "the triggers of a foreign key are off": fault(
        "relations_are_foreign_keys",
        "alter table raw_import_records disable trigger all",
        rows=[
            {"problem": "raw_import_records_data_import_id_fkey: its triggers are switched off"},
            {"problem": "raw_import_records_master_flow_id_fkey: its triggers are switched off"},
            {"problem": "assets_raw_import_record_id_fkey: its triggers are switched off"},
        ],
        may="delete_rules_are_declared",
    ),
    "a delete rule sets null where it has to cascade": fault(
        "delete_rules_are_declared",
        "alter table assets drop constraint assets_master_flow_id_fkey",
        "alter table assets add constraint kept foreign key (master_flow_id)"
        " references crewai_flow_state_extensions on delete set null",
        rows=[
            {
                "relation": "asset.master_flow_id → master_flow.id",
                "declared": "cascade",
                "found": "set_null",
                "name": "kept",
            }
        ],
    ),
    "a second foreign key has another rule": fault(
        "delete_rules_are_declared",
        "alter table raw_import_records add constraint second foreign key (data_import_id) references data_imports",
        rows=[{"relation": OF_RECORDS, "declared": "cascade", "found": "no_action", "name": "second"}],
    ),
    "a foreign key is not in the file": fault(
        "foreign_keys_are_declared",
        "alter table assets add column import_id uuid constraint unsaid references data_imports",
        rows=[
            {
                "foreign_key": "unsaid",
                "table": "assets",
                "declare": "{child: asset.import_id, parent: data_import.id, nullable: true, on_delete: no_action}",
            }
        ],
    ),
    "an index is dropped": fault(
        "references_are_indexed",
        "drop index assets_raw_import_record_id_idx",
        rows=[
            {
                "column": "raw_import_record_id",
                "statement": 'create index concurrently on "public"."assets" ("raw_import_record_id")',
            }
        ],
    ),
    "an index serves a part alone": fault(
        "references_are_indexed",
        "drop index data_imports_master_flow_id_idx",
        "create index on data_imports (master_flow_id) where total_records > 0",
        "create index on data_imports (filename, master_flow_id)",
        rows=[{"relation": "data_import.master_flow_id → master_flow.id", "column": "master_flow_id"}],
    ),
    "a reference may be empty": fault(
        "required_references_are_not_null",
        "alter table data_imports alter master_flow_id drop not null",
        rows=[
            {
                "column": "master_flow_id",
                "statement": 'alter table "public"."data_imports" alter column "master_flow_id" set not null',
            }
        ],
    ),
    "children lose their parent": fault(
        "enough_children_are_linked",
        f"update discovery_flows set master_flow_id = null where id = '{named(2, 'd1')}'",
        rows=[{"tenant": "borealis", "source_id": named(2, "d1")}, {"tenant": "borealis", "source_id": named(2, "d2")}],
    ),
    "a record is lost": fault(
        "parents_count_their_children",
        f"delete from raw_import_records where id = '{named(1, 'record5')}'",
        rows=[{"tenant": "acme", "source_id": named(1, "import0"), "counted": 6, "children": 5}],
    ),
    "an orphan": fault(
        "orphans",
        DROP,
        f"update assets set discovery_flow_id = '{UNKNOWN}' where id = '{named(0, 'asset3')}'",
        rows=[{"relation": OF_FLOWS, "source_id": named(0, "asset3"), "missing_parent": UNKNOWN}],
        may="relations_are_foreign_keys delete_rules_are_declared",
    ),
}
