"""`dsaudit monitor` reads itself what it writes queries for, on a system of another shape too."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dsaudit.monitoring.reading import read
from dsaudit.parameters import load
from tests.checks.test_monitoring import BY_NAME, WEBHOOK, exported
from tests.ledger import Ledger


def test_the_watch_reads_what_an_exporter_does(
    new_ledger: Callable[..., Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = new_ledger()
    ledger.execute("update ledger.hook_log set sent = now() - interval '3 s', arrived = now() - interval '2 s'")
    for name, value in ledger.environment.items():
        monkeypatch.setenv(name, value)
    ledger.execute("alter table ledger.hook_log rename verdict to word")
    reading = read(load(ledger.parameters))
    assert [metric.name for metric in reading.unknown] == [BY_NAME[WEBHOOK].name, BY_NAME["refused_deliveries"].name]
    ledger.execute("alter table ledger.hook_log rename word to verdict")
    values, reading = exported(ledger.parameters, ledger.environment), read(load(ledger.parameters))
    told = {metric.name: some.keys() for metric, some in reading.values.items()}
    assert told == {name: some.keys() for name, some in values.items()} and not reading.unknown
    refused = BY_NAME["refused_deliveries"]
    assert reading.values[refused] == values[refused.name]
