"""Faults of what the database itself enforces: a migration took it away, or made it another."""

from random import Random
from typing import TYPE_CHECKING

from examples.answer_key import Expected, Planted
from examples.editing import altered, texts

from .changing import some_client, some_of
from .relations import (
    ASSET_OF_FLOW,
    FLOW_OF_MASTER,
    IMPORT_OF_MASTER,
    RECORD_OF_IMPORT,
    REFERENCES,
)

if TYPE_CHECKING:
    from ..sample import Sample

ASSET = {"resource": "asset"}
CORES = "ck_assets_cpu_cores"


def foreign_key_dropped(sample: "Sample", random: Random) -> Planted:
    """A relation has no foreign key any more; no row has suffered yet."""
    reference = random.choice(REFERENCES)
    altered(sample, reference.dropped())
    must = [Expected("relations_are_foreign_keys", scope={"relation": reference.relation})]
    return Planted(
        "foreign_key_dropped",
        mode=0,
        how="caused",
        must=must,
        may=["delete_rules_are_declared", "deletes_do_what_is_declared"],
    )


def foreign_key_undeclared(sample: "Sample", random: Random) -> Planted:
    """A new column refers to the flow that a discovery flow follows on, and nobody has declared the relation."""
    altered(sample, "alter table discovery_flows add column follows uuid references discovery_flows (flow_id)")
    must = [Expected("foreign_keys_are_declared")]
    return Planted("foreign_key_undeclared", mode=0, how="caused", must=must, may=["references_are_indexed"])


def delete_rule_is_no_action(sample: "Sample", random: Random) -> Planted:
    """A foreign key was made anew without its rule: who deletes the parent is refused."""
    reference = random.choice(REFERENCES)
    altered(sample, reference.dropped(), reference.added("no action"))
    must = [Expected("delete_rules_are_declared", scope={"relation": reference.relation})]
    return Planted("delete_rule_is_no_action", mode=0, how="caused", must=must, may=["deletes_do_what_is_declared"])


def cascade_takes_too_much(sample: "Sample", random: Random) -> Planted:
    """Who deletes a discovery flow deletes the assets that it found."""
    altered(sample, ASSET_OF_FLOW.dropped(), ASSET_OF_FLOW.added("cascade"))
    must = [Expected("delete_rules_are_declared", scope={"relation": ASSET_OF_FLOW.relation})]
    return Planted("cascade_takes_too_much", mode=0, how="caused", must=must, may=["deletes_do_what_is_declared"])


def trigger_takes_more(sample: "Sample", random: Random) -> Planted:
    """Who deletes a discovery flow deletes the assets that it found, by a trigger: no foreign key says so."""
    altered(
        sample,
        f"""create function take_along() returns trigger language plpgsql as
            'begin delete from {ASSET_OF_FLOW.table} where {ASSET_OF_FLOW.column} = old.flow_id; return old; end'""",
        "create trigger take_along before delete on discovery_flows for each row execute function take_along()",
    )
    must = [Expected("deletes_do_what_is_declared", scope={"relation": ASSET_OF_FLOW.relation})]
    return Planted("trigger_takes_more", mode=0, how="caused", must=must)


def constraint_not_valid(sample: "Sample", random: Random) -> Planted:
    """A check constraint was put aside for an import, and is back without a look at the rows that came meanwhile."""
    client = some_client(random)
    ids = some_of(sample, random, "assets", client)
    altered(
        sample,
        f"alter table assets drop constraint {CORES}",
        "update assets set cpu_cores = -cpu_cores where id = any(%(ids)s) and cpu_cores is not null",
        "update assets set cpu_cores = 0 where id = any(%(ids)s) and cpu_cores is null",
        f"alter table assets add constraint {CORES} check (cpu_cores > 0) not valid",
        ids=ids,
    )
    must = [
        Expected("constraints_are_enforced", keys=[CORES]),
        Expected("invariants_hold", scope={"tenant": client, **ASSET}, keys=texts(ids)),
        Expected("invariants_are_constraints", scope=ASSET),
    ]
    return Planted("constraint_not_valid", mode=0, how="edited", must=must)


def check_constraint_missing(sample: "Sample", random: Random) -> Planted:
    """Nothing keeps an asset from having less than one core; none has yet."""
    altered(sample, f"alter table assets drop constraint {CORES}")
    must = [Expected("invariants_are_constraints", scope=ASSET)]
    return Planted("check_constraint_missing", mode=0, how="caused", must=must)


def broken_rows_swallowed(sample: "Sample", random: Random) -> Planted:
    """A trigger that was to spare an import its errors keeps assets without a core out, and tells nobody."""
    altered(
        sample,
        """create function spare_the_import() returns trigger language plpgsql as
            'begin if new.cpu_cores <= 0 then return null; end if; return new; end'""",
        "create trigger spare_the_import before insert or update on assets for each row"
        " execute function spare_the_import()",
    )
    must = [Expected("constraints_refuse_what_they_forbid", keys=[CORES])]
    return Planted("broken_rows_swallowed", mode=0, how="caused", must=must)


def not_null_dropped(sample: "Sample", random: Random) -> Planted:
    """A reference that every row needs may be left out; every row has it still."""
    reference = random.choice([IMPORT_OF_MASTER, RECORD_OF_IMPORT])
    altered(sample, f"alter table {reference.table} alter column {reference.column} drop not null")
    must = [Expected("required_references_are_not_null", scope={"relation": reference.relation})]
    return Planted("not_null_dropped", mode=0, how="caused", must=must)


def flows_left_unlinked(sample: "Sample", random: Random) -> Planted:
    """The discovery flows of an old release were never linked to a master flow: two of three are not."""
    altered(
        sample,
        """update discovery_flows set master_flow_id = null where id in (
            select id from (select id, row_number() over (order by id) as place from discovery_flows) as numbered
            where mod(place, 3) > 0)""",
    )
    must = [Expected("enough_children_are_linked", scope={"relation": FLOW_OF_MASTER.relation})]
    return Planted("flows_left_unlinked", mode=0, how="edited", must=must)


def records_missing_from_import(sample: "Sample", random: Random) -> Planted:
    """Records of imports that are at work were deleted, and the imports still count them."""
    waiting = "status = 'processing' and exists (select from raw_import_records where data_import_id = data_imports.id)"
    client = "acme"  # at any size it has an import at work
    ids = some_of(sample, random, "data_imports", client, waiting)
    altered(sample, "delete from raw_import_records where not is_processed and data_import_id = any(%(ids)s)", ids=ids)
    scope = {"tenant": client, "relation": RECORD_OF_IMPORT.relation}
    must = [Expected("parents_count_their_children", scope=scope, keys=texts(ids))]
    return Planted("records_missing_from_import", mode=0, how="edited", must=must, may=["endpoints_agree"])
