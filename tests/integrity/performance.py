"""A system with rows enough for indexes to matter, and a parameter file that declares what has to stay quick."""

from __future__ import annotations

from tests.integrity.system import OWNERS, System, named

ROWS = 400
OF_FLOW = "select id, name from public.assets where discovery_flow_id = %(flow)s"
FIRST, SECOND = (f"update public.assets set name = name || '!' where id = %({one})s" for one in ("first", "second"))
HEAD = """
performance:
  scan_rows: 100
  rows: 3200
"""
QUERIES = f"""\
  queries:
    - {{name: assets_of_a_flow, milliseconds: 60000, sql: "{OF_FLOW}", drawn: {{flow: asset.discovery_flow_id}}}}
    - name: flows_with_assets
      kind: join
      milliseconds: 60000
      sql: >-
        select f.id, a.name from public.discovery_flows as f join public.assets as a on a.discovery_flow_id = f.flow_id
        where f.id = %(flow)s
      drawn: {{flow: discovery_flow.id}}
    - name: no_asset_without_its_flow
      kind: constraint
      milliseconds: 60000
      sql: >-
        select count(*) from public.assets as a where discovery_flow_id is not null
        and not exists (select from public.discovery_flows as f where f.flow_id = a.discovery_flow_id)
    - name: records_by_id
      kind: batch
      size: 20
      milliseconds: 60000
      sql: select id, raw_data from public.raw_import_records where id = any(%(ids)s)
      drawn: {{ids: raw_import_record.id}}
    - name: assets_by_type
      kind: aggregation
      milliseconds: 60000
      sql: >-
        select asset_type, count(*) from public.assets
        where client_account_id = %(client)s and name <> %(name)s group by asset_type
      values: {{name: "100 %"}}
      drawn: {{client: asset.client_account_id}}
"""
UPDATES = f"""\
  at_once:
    - name: two_imports
      transactions:
        - ["{FIRST}", "{SECOND}"]
        - ["{FIRST}", "{SECOND}"]
      drawn: {{first: asset.id, second: asset.id}}
"""
SECTION = HEAD + QUERIES + UPDATES
CHECKS = (
    *("queries_within_budget", "queries_use_an_index", "queries_grow_gently"),
    *("concurrent_updates_do_not_deadlock", "no_deadlock_was_counted"),
)


def declared(system: System, section: str = SECTION) -> System:
    """Give a system more rows, and its file the section."""
    client, engagement = OWNERS[0]
    whose = f"'{client}', '{engagement}'"
    system.execute(
        f"""insert into discovery_flows (id, client_account_id, engagement_id, flow_id)
        select gen_random_uuid(), {whose}, gen_random_uuid() from generate_series(1, {ROWS})""",
        f"""insert into assets (id, client_account_id, engagement_id, discovery_flow_id, name, asset_type)
        select gen_random_uuid(), {whose}, flow_id, 'more ' || row_number() over (), 'database' from discovery_flows""",
        f"""insert into raw_import_records (id, client_account_id, engagement_id, data_import_id, row_number, raw_data)
        select gen_random_uuid(), {whose}, '{named(0, "import1")}', n, '{{}}' from generate_series(1, {ROWS}) as n""",
        "analyze",
    )
    with system.parameters.open("a", encoding="utf-8") as file:
        file.write(section)
    return system
