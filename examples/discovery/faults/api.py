"""Faults of what the API serves."""

from random import Random
from typing import TYPE_CHECKING

from examples.answer_key import Expected, Planted

from ..tenants import CLIENTS

if TYPE_CHECKING:
    from ..sample import Sample


def endpoints_disagree(sample: "Sample", random: Random) -> Planted:
    """The list of discovery flows counts records where it says assets; the flow by itself counts assets."""
    counted_otherwise = """
        select f.flow_id::text as key
        from discovery_flows as f left join data_imports as i on i.id = f.data_import_id
        where f.client_account_id = %s and coalesce(i.processed_records, 0)
            <> (select count(*) from assets as a where a.discovery_flow_id = f.flow_id)
        order by 1"""
    sample.switch_on("endpoints_disagree")
    flows = {client: [row["key"] for row in sample.rows(counted_otherwise, key)] for client, key in CLIENTS.items()}
    must = [Expected("endpoints_agree", scope={"tenant": client}, keys=keys) for client, keys in flows.items() if keys]
    return Planted("endpoints_disagree", mode=0, how="caused", must=must)


def error_format_differs(sample: "Sample", random: Random) -> Planted:
    """Who asks for an import that is not there is told so in another form than everywhere else."""
    sample.switch_on("error_format_differs")
    must = [Expected("errors_have_one_format", keys=["data-imports/{id}"])]
    return Planted("error_format_differs", mode=0, how="caused", must=must)
