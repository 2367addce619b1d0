"""Faults of the tenancy: rows that are nobody's or under another's parent, and policies that let through too much."""

from random import Random
from typing import TYPE_CHECKING

from psycopg import sql

from examples import databases
from examples.answer_key import Expected, Planted
from examples.editing import altered, texts

from ..tenants import CLIENTS, ENGAGEMENTS, Engagement
from .changing import some_client, some_of
from .relations import ASSET_OF_FLOW, RESOURCES

if TYPE_CHECKING:
    from ..sample import Sample

COLUMNS = ("client_account_id", "engagement_id")
OWN = " and ".join(f"{one} = nullif(current_setting('app.{one}', true), '')::uuid" for one in COLUMNS)
CLIENT_ALONE = """
    client_account_id = nullif(current_setting('app.client_account_id', true), '')::uuid
    and engagement_id = engagement_id
"""


def reference_crosses_tenants(sample: "Sample", random: Random) -> Planted:
    """Assets of one client were found by a discovery flow of the other, says their reference."""
    client = some_client(random)
    others = [one for one in ENGAGEMENTS if one.client != client]
    ids = _crossed(sample, random, client, random.choice(others), "true")
    scope = {"tenant": client, "relation": ASSET_OF_FLOW.relation}
    must = [
        Expected("references_stay_within_the_tenant", scope=scope, keys=ids),
        Expected("children_share_the_tenancy", scope=scope, keys=ids),
    ]
    return Planted(
        "reference_crosses_tenants", mode=0, how="edited", must=must, may=["endpoints_agree", "counts_are_conserved"]
    )


def reference_crosses_engagements(sample: "Sample", random: Random) -> Planted:
    """Assets of a client were found by a discovery flow of its other engagement, says their reference."""
    here, there = random.sample([one for one in ENGAGEMENTS if one.client == "acme"], 2)
    ids = _crossed(sample, random, here.client, there, f"engagement_id = '{here.engagement_id}'")
    scope = {"tenant": here.client, "relation": ASSET_OF_FLOW.relation}
    must = [Expected("children_share_the_tenancy", scope=scope, keys=ids)]
    return Planted(
        "reference_crosses_engagements",
        mode=0,
        how="edited",
        must=must,
        may=["endpoints_agree", "counts_are_conserved"],
    )


def _crossed(sample: "Sample", random: Random, client: str, there: Engagement, condition: str) -> list[str]:
    """Let some assets of a client refer to a flow of another engagement; their ids."""
    ids = some_of(sample, random, "assets", client, f"discovery_flow_id is not null and {condition}")
    found = "select flow_id from discovery_flows where engagement_id = %s order by flow_id"
    flow = random.choice(sample.rows(found, there.engagement_id))["flow_id"]
    altered(sample, "update assets set discovery_flow_id = %(flow)s where id = any(%(ids)s)", flow=flow, ids=ids)
    return texts(ids)


def tenant_is_null(sample: "Sample", random: Random) -> Planted:
    """Rows came without the column that says whose they are, which a migration had made optional."""
    client, column = some_client(random), random.choice(COLUMNS)
    ids = some_of(sample, random, "assets", client)
    altered(
        sample,
        f"alter table assets alter column {column} drop not null",
        f"update assets set {column} = null where id = any(%(ids)s)",
        ids=ids,
    )
    must = [Expected("tenant_columns_are_filled", scope={"resource": "asset"}, keys=texts(ids), fields=[column])]
    may = ["children_share_the_tenancy", "references_stay_within_the_tenant", "endpoints_agree"]
    return Planted("tenant_is_null", mode=0, how="edited", must=must, may=may)


def tenant_table_left_out(sample: "Sample", random: Random) -> Planted:
    """A later migration brought a table of the clients' notes, with its policy, and nobody has told the audit of it."""
    altered(
        sample,
        "create table asset_notes (id uuid primary key, client_account_id uuid not null, engagement_id uuid not null,"
        " body text not null)",
        "alter table asset_notes enable row level security",
        "alter table asset_notes force row level security",
        f"create policy tenant_isolation on asset_notes using ({OWN}) with check ({OWN})",
        "insert into asset_notes select gen_random_uuid(), client_account_id, engagement_id, name from assets limit 5",
    )
    must = [Expected("tenant_tables_are_audited", keys=["public.asset_notes"])]
    return Planted("tenant_table_left_out", mode=0, how="caused", must=must, may=[])


def policy_dropped(sample: "Sample", random: Random) -> Planted:
    """A table has lost its policy, and lets nobody through."""
    resource, table = random.choice(list(RESOURCES.items()))
    altered(sample, f"drop policy tenant_isolation on {table}")
    must = [Expected("tables_have_row_security", scope={"resource": resource})]
    may = ["api_serves_the_rows", "api_values_equal_tables", "endpoints_agree", "tenants_cannot_be_broken_into"]
    may += ["errors_have_one_format"]  # what may be refused is asked for beside what is there, and nothing is
    return Planted("policy_dropped", mode=0, how="caused", must=must, may=may)


def row_security_disabled(sample: "Sample", random: Random) -> Planted:
    """Row security was turned off on a table for a repair, and its policy counts for nothing since."""
    resource, table = random.choice(list(RESOURCES.items()))
    altered(sample, f"alter table {table} disable row level security")
    must = [Expected("tables_have_row_security", scope={"resource": resource})]
    may = ["api_isolates_tenants", "tenants_cannot_be_broken_into", "api_serves_the_rows"]
    return Planted("row_security_disabled", mode=0, how="caused", must=must, may=may)


def policy_uses_wrong_column(sample: "Sample", random: Random) -> Planted:
    """A policy compares the engagement with itself: every engagement of a client sees the others' rows."""
    resource, table = random.choice(list(RESOURCES.items()))
    altered(sample, f"alter policy tenant_isolation on {table} using ({CLIENT_ALONE}) with check ({CLIENT_ALONE})")
    must = [Expected("tables_have_row_security", scope={"resource": resource})]
    may = ["api_isolates_tenants", "tenants_cannot_be_broken_into", "api_serves_the_rows"]
    return Planted("policy_uses_wrong_column", mode=0, how="caused", must=must, may=may)


def policy_is_content_with_either(sample: "Sample", random: Random) -> Planted:
    """A policy names client and engagement, and is content with one of them: whoever knows an engagement sees it."""
    resource, table = random.choice(list(RESOURCES.items()))
    either = OWN.replace(" and ", " or ")
    altered(sample, f"alter policy tenant_isolation on {table} using ({either}) with check ({either})")
    must = [
        Expected("tables_have_row_security", scope={"resource": resource}),
        Expected("tenants_cannot_be_broken_into", scope={"resource": resource}),
    ]
    may = ["api_isolates_tenants", "api_serves_the_rows"]
    return Planted("policy_is_content_with_either", mode=0, how="caused", must=must, may=may)


def application_bypasses_policies(sample: "Sample", random: Random) -> Planted:
    """The application's role was given BYPASSRLS, and sees the rows of every client."""
    role = sql.Identifier(sample.application).as_string()
    databases.execute(sample.server_url, f"alter role {role} bypassrls")
    must = [Expected("application_cannot_bypass", keys=[sample.application])]
    may = ["api_isolates_tenants", "tenants_cannot_be_broken_into", "api_serves_the_rows"]
    return Planted("application_bypasses_policies", mode=0, how="caused", must=must, may=may)


def api_ignores_tenant(sample: "Sample", random: Random) -> Planted:
    """The API connects as the role of the migrations, whom no policy holds, and serves everybody everything."""
    sample.switch_on("api_ignores_tenant")
    must = [Expected("api_isolates_tenants", scope={"tenant": client}) for client in CLIENTS]
    return Planted(
        "api_ignores_tenant", mode=0, how="caused", must=must, may=["endpoints_agree", "api_serves_the_rows"]
    )
