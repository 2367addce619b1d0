"""Faults of phase 1: scopes, credentials, migrations and tables are not what the integration needs."""

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from examples.answer_key import Expected, Planted
from examples.editing import altered, replaced

from .choosing import rows, some_tenant
from .losing import IN_AN_ORDER, parts_of_order

if TYPE_CHECKING:
    from ..sample import Sample

OAUTH_SERVICE = "app/services/shopify/oauth_service.py"
CLIENT = "app/services/shopify/client.py"
LISTS = (
    *("order", "customer", "product", "inventory_item", "inventory_level", "location", "refund", "transaction"),
    *("fulfillment", "draft_order", "payout", "balance_transaction", "dispute", "gift_card"),
)
NEEDED_BY = {
    "read_orders": ["order", "refund", "transaction"],
    "read_all_orders": ["order"],
    "read_customers": ["customer"],
    "read_products": ["product"],
    "read_inventory": ["inventory_item", "inventory_level"],
    "read_locations": ["location"],
    "read_fulfillments": ["fulfillment"],
    "read_assigned_fulfillment_orders": ["fulfillment"],
    "read_draft_orders": ["draft_order"],
    "read_shopify_payments_payouts": ["payout", "balance_transaction"],
    "read_shopify_payments_disputes": ["dispute"],
    "read_gift_cards": ["gift_card"],
    "read_returns": ["refund"],
}
# Withdrawing one of these closes lists that nothing else refers to, and that are not empty in either shop.
AT_THE_EDGE = ("read_draft_orders", "read_shopify_payments_disputes")
# No topic depends on these, so that a shop can be connected without them.
WITHOUT_TOPICS = ("read_shopify_payments_payouts", "read_gift_cards")
# What compares with the source cannot decide anything about a list that the source does not show.
UNDECIDED = [
    *("source_missing_in_raw", "source_missing_in_refined", "refined_missing_at_source", "field_differences"),
    *("raw_differs_from_source", "duplicate_source_ids", "every_resource_is_covered"),
    *("webhooks_arrive", "ingest_is_current", "changes_come_by_webhook", "webhooks_come_without_a_gap"),
]
# Without the source nobody can tell whether an empty table ought to be empty.
EMPTY_UNPROVEN = [
    *("null_source_ids", "null_hashes", "shared_hashes", "consecutive_duplicate_hashes", "stored_hashes_match_payload"),
    *("raw_missing_in_refined", "one_refined_row_per_source_id", "refined_built_from_newest", "refinement_backlog"),
    *("orphans", "references_stay_within_the_tenant", "syncs_fetched_records"),
]
UNREGISTERED = [
    *("wanted_topics_are_registered", "recorded_topics_are_registered", "subscriptions_are_wanted"),
    "webhook_addresses_right",
]
# Checks of the schema itself, and those that read a table with its columns and cannot when one is not there.
SCHEMA = ["declared_columns_exist", "column_types_fit", "instants_have_a_zone", "source_keys_are_unique"]
READERS = [
    *UNDECIDED,
    *("raw_missing_in_refined", "one_refined_row_per_source_id", "refined_built_from_newest"),
    *("orphans", "references_stay_within_the_tenant", "children_match_payload", "children_of_deleted_parents"),
    *("lookups_use_an_index", "lookups_within_budget"),
]
NEW_MIGRATION = '''"""Another column.

Revision ID: 0099
Revises: {newest}
"""

import sqlalchemy as sa
from alembic import op

revision = "0099"
down_revision = "{newest}"


def upgrade() -> None:
    op.add_column("shopify_order", sa.Column("source_name", sa.Text))


def downgrade() -> None:
    op.drop_column("shopify_order", "source_name")
'''


def scope_withdrawn(sample: "Sample", random: Random) -> Planted:
    """Both shops withdraw a scope; the stored record still names it, and the provider refuses the lists behind it."""
    from ..sample import TENANTS

    scope = random.choice(AT_THE_EDGE)
    sample.source_control("faults", {"revoked_scopes": [scope]})
    missing = [
        Expected("required_scopes_granted", scope={"tenant": tenant, "resource": resource}, keys=[scope])
        for tenant in TENANTS
        for resource in NEEDED_BY[scope]
    ]
    may = ["credentials_accepted", "stored_scopes_match_granted", *UNDECIDED]
    return Planted("scope_withdrawn", mode=30, how="caused", must=missing, may=may)


def old_orders_hidden(sample: "Sample", random: Random) -> Planted:
    """Without read_all_orders the provider hides orders older than 60 days, and its count leaves them out as well."""
    from ..sample import TENANTS

    sample.source_control("faults", {"revoked_scopes": ["read_all_orders"]})
    missing = [
        Expected("required_scopes_granted", scope={"tenant": name, "resource": "order"}, keys=["read_all_orders"])
        for name in TENANTS
    ]
    hidden = [one for name in TENANTS for one in _hidden_orders(sample, name)]
    return Planted(
        "old_orders_hidden", mode=61, how="caused", must=missing + hidden, may=["stored_scopes_match_granted"]
    )


def _hidden_orders(sample: "Sample", tenant: str) -> list[Expected]:
    """The orders that are too old to be shown, with all that stands in them."""
    from ..source.admin import HIDDEN_BEFORE

    query = """select raw.payload from shopify_order as refined
        join integration on integration.id = refined.integration_id
        join shopify_raw_ingest as raw on raw.id = refined.raw_ingest_id
        where integration.name = %s and deleted_at is null and source_created_at < to_timestamp(%s)"""
    orders = [parts_of_order(order) for (order,) in rows(sample, query, [tenant, str(HIDDEN_BEFORE)])]
    return [
        Expected(
            "refined_missing_at_source", scope={"tenant": tenant, "resource": name}, keys=keys, cause="SCOPE_HIDDEN"
        )
        for name in ("order", *IN_AN_ORDER)
        if (keys := sorted({key for order in orders for key in order[name]}))
    ]


def token_revoked(sample: "Sample", random: Random) -> Planted:
    """A shop no longer accepts the access token."""
    tenant, shop = some_tenant(random)
    sample.source_control("faults", {"revoked_tokens": [shop]})
    refused = Expected("credentials_accepted", scope={"tenant": tenant}, keys=sorted(LISTS))
    may = ["stored_scopes_match_granted", *UNDECIDED, *EMPTY_UNPROVEN, *UNREGISTERED]
    may += ["deliveries_were_taken", "taken_deliveries_are_logged"]
    return Planted("token_revoked", mode=30, how="caused", must=[refused], may=may)


def scope_not_requested(sample: "Sample", random: Random) -> Planted:
    """A scope is taken out of the code's list; shops that connected before still grant it."""
    scope = random.choice(list(NEEDED_BY))
    _edit_scope(sample, scope, lambda line: "")
    missing = [
        Expected("required_scopes_requested", scope={"resource": resource}, keys=[scope])
        for resource in NEEDED_BY[scope]
    ]
    return Planted("scope_not_requested", mode=61, how="caused", must=missing)


def scope_in_excess(sample: "Sample", random: Random) -> Planted:
    """A shop grants a scope that nothing needs, and connects again, so that the record agrees."""
    from ..sample import SHOPS

    scope = random.choice(["write_orders", "read_users", "write_customers"])
    sample.source_control("faults", {"further_scopes": [scope]})
    for shop in SHOPS:
        sample.integration("register", {"shop": shop})
    return Planted("scope_in_excess", mode=0, how="caused", must=[Expected("no_scope_in_excess", keys=[scope])])


def scope_without_comment(sample: "Sample", random: Random) -> Planted:
    """The comment that says what a scope is for gets lost."""
    scope = random.choice(list(NEEDED_BY))
    _edit_scope(sample, scope, lambda line: line.partition("  #")[0] + "\n")
    bare = Expected("scopes_are_documented", keys=[scope])
    return Planted("scope_without_comment", mode=0, how="caused", must=[bare])


def stored_scopes_stale(sample: "Sample", random: Random) -> Planted:
    """A shop connects while a scope is withdrawn and grants it afterwards; nobody stores that."""
    tenant, shop = some_tenant(random)
    scope = random.choice(WITHOUT_TOPICS)
    sample.source_control("faults", {"revoked_scopes": [scope]})
    sample.integration("register", {"shop": shop})
    sample.source_control("faults", {"revoked_scopes": None})
    stale = Expected("stored_scopes_match_granted", scope={"tenant": tenant}, keys=[scope])
    return Planted("stored_scopes_stale", mode=0, how="caused", must=[stale])


def migration_not_run(sample: "Sample", random: Random) -> Planted:
    """The code is deployed with a migration that nobody runs."""
    path = sample.code / "migrations/versions/0099_order_source_name.py"
    path.write_text(NEW_MIGRATION.format(newest=_revisions(path.parent)[-1]), encoding="utf-8")
    behind = Expected("migrations_at_head", keys=["0099"])
    return Planted("migration_not_run", mode=0, how="caused", must=[behind])


def migrations_branched(sample: "Sample", random: Random) -> Planted:
    """Two branches of the code were merged, each with a migration of its own after the same one."""
    path = sample.code / "migrations/versions/0098_gift_card_note.py"
    first, *_, newest = _revisions(path.parent)
    path.write_text(NEW_MIGRATION.replace("0099", "0098").format(newest=first), encoding="utf-8")
    heads = Expected("migrations_at_head", keys=[newest, "0098"])
    return Planted("migrations_branched", mode=0, how="caused", must=[heads])


def merge_left_unfinished(sample: "Sample", random: Random) -> Planted:
    """A file of the integration still holds the marks of a merge, and does not parse."""
    path = sample.code / "app/services/shopify/returns_service.py"
    path.write_text('"""Returns."""\n\n<<<<<<< HEAD\nLIMIT = 50\n=======\nLIMIT = 250\n', encoding="utf-8")
    unread = Expected("integration_code_found", keys=["app/services/shopify/returns_service.py"])
    may = ["clock_is_read_with_its_zone"]
    return Planted("merge_left_unfinished", mode=0, how="caused", must=[unread], may=may)


def clock_without_zone(sample: "Sample", random: Random) -> Planted:
    """The client notes when it asked in naive UTC."""
    path = sample.code / CLIENT
    line = replaced(path, "return datetime.now(UTC)", "return datetime.utcnow()")
    naive = Expected("clock_is_read_with_its_zone", keys=[f"{CLIENT}:{line}"])
    return Planted("clock_without_zone", mode=0, how="caused", must=[naive])


def table_renamed(sample: "Sample", random: Random) -> Planted:
    """A table is renamed in the database, and neither code nor parameter file hears of it."""
    table = random.choice(["shopify_gift_card", "shopify_dispute", "shopify_product_image"])
    altered(sample, f"alter table {table} rename to {table}s")
    lost = Expected("declared_tables_exist", keys=[table])
    return Planted("table_renamed", mode=0, how="caused", must=[lost], may=[*SCHEMA, *READERS])


def column_renamed(sample: "Sample", random: Random) -> Planted:
    """A column is renamed in the database, and neither code nor parameter file hears of it."""
    table, column = random.choice([("shopify_dispute", "reason"), ("shopify_gift_card", "last_characters")])
    altered(sample, f"alter table {table} rename column {column} to {column}_old")
    lost = Expected("declared_columns_exist", keys=[column])
    return Planted("column_renamed", mode=0, how="caused", must=[lost], may=["column_types_fit", *READERS])


def money_as_float(sample: "Sample", random: Random) -> Planted:
    """A migration makes binary floats of money."""
    resource, column = random.choice([("payout", "amount"), ("draft_order", "total_price"), ("variant", "price")])
    altered(sample, f"alter table shopify_{resource} alter column {column} type double precision")
    rounded = Expected("column_types_fit", scope={"resource": resource}, keys=[column])
    return Planted("money_as_float", mode=53, how="caused", must=[rounded])


def number_in_16_bits(sample: "Sample", random: Random) -> Planted:
    """A number of the source is kept in 16 bits."""
    altered(sample, "alter table shopify_product_image alter column position type smallint")
    narrow = Expected("column_types_fit", scope={"resource": "product_image"}, keys=["position"])
    return Planted("number_in_16_bits", mode=34, how="caused", must=[narrow])


def instant_without_zone(sample: "Sample", random: Random) -> Planted:
    """A migration drops the zone of a column of times."""
    column = random.choice(["published_at", "created_at"])
    change = f"alter column {column} type timestamp using {column} at time zone 'UTC'"
    altered(sample, f"alter table shopify_product {change}")
    naive = Expected("instants_have_a_zone", keys=[column])
    return Planted("instant_without_zone", mode=0, how="caused", must=[naive], may=["field_differences"])


def unique_constraint_dropped(sample: "Sample", random: Random) -> Planted:
    """The constraint that keeps one row for each source id is dropped to let a load through, and not made again."""
    resource = random.choice(["order", "customer", "variant", "order_discount"])
    altered(sample, f"alter table shopify_{resource} drop constraint uq_shopify_{resource}_source")
    open_door = Expected("source_keys_are_unique", scope={"resource": resource}, keys=[f"shopify_{resource}"])
    may = ["lookups_use_an_index"]  # the constraint's index goes with it
    return Planted("unique_constraint_dropped", mode=58, how="caused", must=[open_door], may=may)


def constraint_not_validated(sample: "Sample", random: Random) -> Planted:
    """A foreign key is dropped to let a load through, and made again without a look at the rows that came meanwhile."""
    with sample.owner() as connection:
        keys = connection.execute(
            """select conrelid::regclass::text, conname::text, pg_get_constraintdef(oid) from pg_constraint
               where contype = 'f' and connamespace = 'public'::regnamespace order by 1, 2"""
        ).fetchall()
        table, name, definition = random.choice(keys)
        connection.execute(f"alter table {table} drop constraint {name}")
        connection.execute(f"alter table {table} add constraint {name} {definition} not valid")
    unproven = Expected("constraints_are_enforced", keys=[name])
    return Planted("constraint_not_validated", mode=0, how="caused", must=[unproven])


def _edit_scope(sample: "Sample", scope: str, change: Callable[[str], str]) -> None:
    path = sample.code / OAUTH_SERVICE
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    line = next(line for line in lines if line.strip().startswith(f'"{scope}"'))
    replaced(path, line, change(line))


def _revisions(folder: Path) -> list[str]:
    return sorted(file.name[:4] for file in folder.glob("0*.py"))
