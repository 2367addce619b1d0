"""One import, taken away again with all that came of it: all of it or nothing, in one transaction."""

from app.core import faults
from app.core.db import Connection

BEFORE = (
    "delete from assets where raw_import_record_id in"
    " (select id from raw_import_records where data_import_id = %(import)s)",
    "delete from discovery_flows where data_import_id = %(import)s",
)
DATA_IMPORT = "delete from data_imports where id = %s returning master_flow_id"  # its records go with it
# A master flow that others hang on stays.
MASTER_FLOW = """
delete from crewai_flow_state_extensions as flow where id = %s
    and not exists (select from data_imports where master_flow_id = flow.id)
    and not exists (select from discovery_flows where master_flow_id = flow.id)
    and not exists (select from assets where master_flow_id = flow.id)
"""


def removed(connection: Connection, key: object) -> None:
    """Delete what an import has made, from the assets up to its master flow."""
    if not faults.is_on("removal_leaves_assets"):
        for statement in BEFORE:
            connection.execute(statement, {"import": key})
    row = connection.execute(DATA_IMPORT, [key]).fetchone()
    assert row is not None
    connection.execute(MASTER_FLOW, [row["master_flow_id"]])
