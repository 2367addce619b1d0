"""On empty tables nothing is proven, and nothing is green."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from dsaudit.checks import all_checks
from dsaudit.verdict import Status
from tests.checks.asked import DATASOURCE
from tests.checks.auditing import Verdicts, told, verdicts

pytestmark = pytest.mark.xdist_group("empty")  # one clone for all of them

# What these look at is no table of records: code, documents, the catalogue and the provider's settings are still there.
NOT_RECORDS = {"code", "coverage", "documents", "lookups", "monitoring", "offers", "probes", "webhooks", "schema"}
NOT_RECORDS |= {"scopes", "sync_code", "logs"}
NOT_RECORDS |= {"live", "starting"}  # they act when they are asked to, and are not here
# These look at the source alone.
AT_THE_SOURCE = {"duplicate_source_ids", "credentials_accepted", "clocks_agree", "deliveries_were_taken"}
RECORDS = [name for name in DATASOURCE if all_checks()[name].subject not in NOT_RECORDS]


@pytest.fixture(scope="module")
def empty(sample: Any) -> Iterator[Verdicts]:
    """The verdicts on a copy of the sample whose tables are all empty, though its source is not."""
    with sample.clone() as clone:
        with clone.owner() as connection:
            tables = connection.execute("select quote_ident(tablename) from pg_tables where schemaname = 'public'")
            names = ", ".join(name for (name,) in tables.fetchall() if name != "alembic_version")
            connection.execute(f"truncate {names} cascade")
        yield verdicts(clone.parameters, clone.environment)


@pytest.mark.parametrize("name", sorted(set(RECORDS) - AT_THE_SOURCE))
def test_does_not_pass_on_empty_tables(name: str, empty: Verdicts) -> None:
    verdict = empty[name]
    assert verdict.status in (Status.INCONCLUSIVE, Status.FAIL), told(verdict)
