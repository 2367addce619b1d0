"""Relations: the checks of orphans and tenants against one plain query for each assertion, as dbt's tests ask them."""

from __future__ import annotations

import itertools
import json
import os
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

import psycopg
import yaml

from examples import discovery
from tests.benchmarks.cost import Cost, measured, medians, postmaster, write_down
from tests.checks.auditing import verdicts

CHECKS = ("orphans", "references_stay_within_the_tenant", "children_share_the_tenancy")
# What somebody writes by hand, or a test of dbt's asks, of each relation: the rows that should not exist.
PLAIN = {
    "orphans": "select c.* from {child} as c left join {parent} as p on p.{key} = c.{column}"
    " where c.{column} is not null and p.{key} is null",
    "references_stay_within_the_tenant": "select c.* from {child} as c join {parent} as p on p.{key} = c.{column}"
    " where p.client_account_id <> c.client_account_id",
    "children_share_the_tenancy": "select c.* from {child} as c join {parent} as p on p.{key} = c.{column}"
    " where (p.client_account_id, p.engagement_id) <> (c.client_account_id, c.engagement_id)",
}
TUNED = "set work_mem = '64MB'; set max_parallel_workers_per_gather = 0"  # as dsaudit reads
PLANTED = """
set session_replication_role = replica;
update assets set discovery_flow_id = gen_random_uuid() where id in (select id from assets order by id limit 25);
update assets as a set master_flow_id = (
  select id from crewai_flow_state_extensions as f where f.client_account_id <> a.client_account_id limit 1)
where id in (select id from assets order by id desc limit 25)
"""
EXPECTED = dict.fromkeys(CHECKS, 25)
HEAD = "| | wall s | client CPU s | PostgreSQL CPU s | CPU s | ratio | other CPU s | MB | found |"


def main(rows: int, rounds: int) -> None:
    """Fill the sample with `rows` assets, plant faults, and measure all contenders in turns."""
    costs: dict[str, list[Cost]] = {}
    with discovery.running(size=rows) as sample:
        with psycopg.connect(sample.server_url.rpartition("/")[0] + "/discovery", autocommit=True) as owner:
            for statement in PLANTED.split(";"):
                owner.execute(statement.encode())
            version = owner.info.parameter_status("server_version")
        os.environ |= sample.environment
        for _, name in itertools.product(range(rounds), CONTENDERS):
            words = [sys.executable, "-m", "tests.benchmarks.relations", name, str(sample.parameters)]
            costs.setdefault(name, []).append(measured(words, "", postmaster(sample.server_url)))
            print(f"{name}: {costs[name][-1]}", flush=True)
    lines = [
        HEAD,
        "|---|" + "---:|" * 7 + "---|",
        *(_line(name, several, costs["dsaudit"]) for name, several in costs.items()),
    ]
    print("\n".join(lines))
    title = f"Relations of {rows:,} assets".replace(",", " ")
    write_down(title, f"PostgreSQL {version}, {medians(rounds)}.", lines)


def _line(name: str, several: Sequence[Cost], base: Sequence[Cost]) -> str:
    told = ("wall", "client", "postgres", "cpu", "ratio", "other")
    one = {
        key: statistics.median(getattr(cost, key) for cost in several)
        for key in ("wall", "client", "postgres", "other")
    }
    one["cpu"] = one["client"] + one["postgres"]
    one["ratio"] = one["cpu"] / statistics.median(cost.client + cost.postgres for cost in base)
    figures = " | ".join(f"{one[key]:.1f}" for key in told)
    right = several[-1].found == json.dumps(EXPECTED)
    found = "all 75, nothing else" if right else f"{several[-1].found} (not as planted)"
    return f"| {name} | {figures} | {several[-1].memory:.0f} | {found} |"


def _dsaudit(parameters: Path) -> dict[str, int]:
    found = verdicts(parameters, os.environ, CHECKS)
    return {name: sum(result.total for result in one.results) for name, one in found.items()}


def _plain(parameters: Path, settings: str = "") -> dict[str, int]:
    given = yaml.safe_load(parameters.read_text(encoding="utf-8"))
    tables = {name: one["table"] for name, one in given["resources"].items()}
    found = dict.fromkeys(PLAIN, 0)
    url = os.environ["DISCOVERY_AUDIT_URL"].replace("postgresql+psycopg:", "postgresql:")
    with psycopg.connect(url) as connection:
        connection.execute(settings.encode())
        for (name, query), relation in itertools.product(PLAIN.items(), given["relations"]):
            child, parent = (relation[end].split(".") for end in ("child", "parent"))
            names = {"child": tables[child[0]], "column": child[1], "parent": tables[parent[0]], "key": parent[1]}
            found[name] += len(connection.execute(query.format(**names).encode()).fetchall())
    return found


CONTENDERS = {
    "dsaudit": _dsaudit,
    "a query an assertion": _plain,
    "a query an assertion, tuned": lambda parameters: _plain(parameters, TUNED),
}


if __name__ == "__main__":
    print(json.dumps(CONTENDERS[sys.argv[1]](Path(sys.argv[2]))))
