"""Clean data, odd as it is, passes every check."""

from __future__ import annotations

import pytest

from dsaudit.verdict import Status
from tests.checks.asked import READING
from tests.checks.auditing import Verdicts, told

pytestmark = pytest.mark.xdist_group("clean")  # one audit for all of them


@pytest.mark.parametrize("name", READING)
def test_passes_on_clean_data(name: str, clean: Verdicts) -> None:
    assert clean[name].status is Status.PASS, told(clean[name])


@pytest.mark.parametrize("name", READING)
def test_says_how_much_it_examined(name: str, clean: Verdicts) -> None:
    assert clean[name].examined > 0
