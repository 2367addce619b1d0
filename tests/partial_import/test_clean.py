"""On the sample as it should be every check passes, acting ones included; and everything is left as it was found."""

from __future__ import annotations

from typing import Any

import pytest

from dsaudit.verdict import Status
from tests.checks.auditing import Verdicts, told
from tests.listings.reading import TABLES
from tests.partial_import.auditing import CHECKS, audited, needing
from tests.samples import value

pytestmark = pytest.mark.xdist_group("partial_import-0")


@pytest.fixture(scope="module")
def before(listings: Any) -> list[int]:
    return [value(listings, f"select count(*) from {table}") for table in TABLES]


@pytest.fixture(scope="module")
def clean(listings: Any, before: list[int]) -> Verdicts:
    return audited(listings, CHECKS, live=True).verdicts


@pytest.mark.parametrize("name", [needing(name, name) for name in CHECKS])
def test_passes_on_the_sample(name: str, clean: Verdicts) -> None:
    assert clean[name].status is Status.PASS, told(clean[name])
    assert clean[name].examined > 0


def test_the_flows_leave_as_many_rows_as_there_were(listings: Any, before: list[int], clean: Verdicts) -> None:
    assert [value(listings, f"select count(*) from {table}") for table in TABLES] == before
