"""One import, from its records to the assets that they tell of: all of it or nothing, in one transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg.types.json import Jsonb

from app.core import faults
from app.core.db import Connection, one

MASTER_FLOW = """
insert into crewai_flow_state_extensions (
    id, flow_id, client_account_id, engagement_id, flow_type, flow_name, flow_status)
values (gen_random_uuid(), gen_random_uuid(), current_setting('app.client_account_id')::uuid,
        current_setting('app.engagement_id')::uuid, 'discovery', %(name)s, 'processing')
returning id, client_account_id, engagement_id
"""
DATA_IMPORT = """
insert into data_imports (
    id, client_account_id, engagement_id, master_flow_id, import_name, import_type, status, total_records)
values (gen_random_uuid(), %(client_account_id)s, %(engagement_id)s, %(id)s, %(name)s, 'api', 'processing',
        %(total)s)
returning id
"""
RECORD = """
insert into raw_import_records (
    id, client_account_id, engagement_id, data_import_id, master_flow_id, row_number, raw_data)
values (gen_random_uuid(), %(client_account_id)s, %(engagement_id)s, %(data_import)s, %(id)s, %(row)s, %(raw)s)
returning id
"""
DISCOVERY_FLOW = """
insert into discovery_flows (
    id, flow_id, client_account_id, engagement_id, master_flow_id, data_import_id, flow_name, status)
values (gen_random_uuid(), gen_random_uuid(), %(client_account_id)s, %(engagement_id)s, %(id)s, %(data_import)s,
        %(name)s, 'processing')
returning flow_id
"""
# An asset that is known already is only marked as seen; the record that names it again makes none.
ASSET = """
insert into assets (
    id, client_account_id, engagement_id, master_flow_id, discovery_flow_id, raw_import_record_id, name, asset_type,
    hostname, operating_system, environment, status)
values (gen_random_uuid(), %(client_account_id)s, %(engagement_id)s, %(id)s, %(flow)s, %(record)s, %(name)s,
        %(asset_type)s, %(hostname)s, %(operating_system)s, %(environment)s, 'discovered')
on conflict (client_account_id, engagement_id, name) do update set updated_at = now()
returning xmax = 0 as is_new
"""
PROCESSED = "update raw_import_records set is_processed = true, is_valid = id = any(%s) where data_import_id = %s"
TEXTS = ("hostname", "operating_system", "environment")


def imported(connection: Connection, name: str, records: list[dict[str, Any]]) -> dict[str, Any]:
    """Run an import through: master flow, import, records, discovery flow, assets; what came of it."""
    flow = _inserted(connection, MASTER_FLOW, {"name": name})
    given = {**flow, "name": name}
    data_import = _inserted(connection, DATA_IMPORT, {**given, "total": len(records)})["id"]
    given["data_import"] = data_import
    read = records[:-1] if faults.is_on("last_record_is_lost") else records
    rows = [
        (_inserted(connection, RECORD, {**given, "row": row, "raw": Jsonb(record)})["id"], record)
        for row, record in enumerate(read, 1)
    ]
    discovery_flow = _inserted(connection, DISCOVERY_FLOW, given)["flow_id"]
    valid = _assets(connection, {**given, "flow": discovery_flow}, rows)
    connection.execute(PROCESSED, (valid, data_import))
    if not faults.is_on("import_never_ends"):
        _complete(connection, given["id"], len(records) - len(valid))
    return {
        "id": data_import,
        "master_flow_id": flow["id"],
        "discovery_flow_id": discovery_flow,
        "status": "completed",
        "total_records": len(records),
        "processed_records": len(records),
        "failed_records": len(records) - len(valid),
        "asset_count": len(valid),
    }


def _inserted(connection: Connection, statement: str, values: dict[str, Any]) -> dict[str, Any]:
    row = one(connection, statement, values)
    assert row is not None
    return row


def _assets(connection: Connection, given: dict[str, Any], rows: list[tuple[Any, dict[str, Any]]]) -> list[Any]:
    """Store what the records tell of; the ids of the records that made an asset."""
    named = [(record["name"], key, record) for key, record in rows if _is_text(record.get("name"))]
    if not faults.is_on("update_deadlocks"):
        # By one order in every import, so that two of them never wait for each other.
        named.sort(key=lambda one: one[0])
    with _engagement(connection, given) as owner:
        return [key for name, key, record in named if _is_new(connection, {**given, **owner}, name, key, record)]


@contextmanager
def _engagement(connection: Connection, given: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Whose the assets are: the engagement's, unless the pipeline takes the client's id for it."""
    if not faults.is_on("engagement_is_confused"):
        yield {}
        return
    setting = "select set_config('app.engagement_id', %s, true)"
    connection.execute(setting, [str(given["client_account_id"])])
    yield {"engagement_id": given["client_account_id"]}
    connection.execute(setting, [str(given["engagement_id"])])


def _is_new(connection: Connection, given: dict[str, Any], name: str, key: Any, record: dict[str, Any]) -> bool:
    kind = record.get("asset_type")
    values = {text: record[text] if _is_text(record.get(text)) else None for text in TEXTS}
    values |= {"asset_type": kind if _is_text(kind) else "other", "name": name, "record": key}
    return bool(_inserted(connection, ASSET, {**given, **values})["is_new"])


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _complete(connection: Connection, master_flow: Any, failed: int) -> None:
    """End every stage of the flow."""
    given = {"flow": master_flow, "failed": failed}
    for statement in (
        "update discovery_flows set status = 'completed', progress_percentage = 100, updated_at = now(),"
        " completed_at = now() where master_flow_id = %(flow)s",
        "update data_imports set status = 'completed', processed_records = total_records, failed_records = %(failed)s,"
        " completed_at = now() where master_flow_id = %(flow)s",
        "update crewai_flow_state_extensions set flow_status = 'completed', updated_at = now(), completed_at = now()"
        " where id = %(flow)s",
    ):
        connection.execute(statement, given)
