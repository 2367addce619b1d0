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


def list_leaves_out_unlinked(sample: "Sample", random: Random) -> Planted:
    """The list of discovery flows is joined with the master flows, and leaves out those that have none."""
    sample.switch_on("list_leaves_out_unlinked")
    query = "select flow_id::text as key from discovery_flows where client_account_id = %s and master_flow_id is null"
    flows = {client: [row["key"] for row in sample.rows(f"{query} order by 1", key)] for client, key in CLIENTS.items()}
    must = [
        Expected("api_serves_the_rows", scope={"tenant": client, "resource": "discovery_flow"}, keys=keys)
        for client, keys in flows.items()
        if keys
    ]
    return Planted("list_leaves_out_unlinked", mode=0, how="caused", must=must)


def memory_is_rounded(sample: "Sample", random: Random) -> Planted:
    """The assets are served with their memory in whole gigabytes."""
    sample.switch_on("memory_is_rounded")
    query = "select id::text as key from assets where client_account_id = %s and memory_gb <> round(memory_gb)"
    assets = {
        client: [row["key"] for row in sample.rows(f"{query} order by 1", key)] for client, key in CLIENTS.items()
    }
    must = [
        Expected(
            "api_values_equal_tables", scope={"tenant": client, "resource": "asset"}, keys=keys, fields=["memory_gb"]
        )
        for client, keys in assets.items()
        if keys
    ]
    return Planted("memory_is_rounded", mode=0, how="caused", must=must)


def existence_is_told(sample: "Sample", random: Random) -> Planted:
    """Who asks for another client's import is told that it is there, and not his."""
    sample.switch_on("existence_is_told")
    must = [
        Expected("api_isolates_tenants", scope={"tenant": client}, keys=["data-imports/{id}"]) for client in CLIENTS
    ]
    return Planted("existence_is_told", mode=0, how="caused", must=must)
