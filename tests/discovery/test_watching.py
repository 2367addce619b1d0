"""`dsaudit monitor` on the running sample: faults are seen within an interval, and gone once they are healed."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples.answer_key import Planted
from examples.control import poll
from examples.discovery.sample import Sample
from tests.integrity.watching import SECONDS, Samples, Watch, once, watching

pytestmark = pytest.mark.xdist_group("discovery_watching")


def readings(watch: Watch, count: int) -> list[Samples]:
    """What each of the next readings that reach the database brings."""
    found: dict[float, Samples] = {}
    for _ in poll(SECONDS, 0.1):
        values = watch.scraped()
        if values.get("integration_up") == {(): 1}:
            found[values["integration_read_timestamp_seconds"][()]] = values
        if len(found) == count:
            return [*found.values()]
    raise AssertionError("the watch reads no more")


def relation(planted: Planted) -> str:
    return planted.must[0].scope["relation"]


def test_planted_faults_are_seen_and_their_healing_too(sample: Sample, tmp_path: Path) -> None:
    options = ("--interval", "1", "--listen", "127.0.0.1:0")
    with watching(sample.parameters, sample.environment, tmp_path, *options) as watch:
        (clean,) = readings(watch, 1)
        assert clean["integration_rows"]["asset",] == 200
        try:
            lost, null = sample.plant("asset_lost_its_discovery_flow"), sample.plant("tenant_is_null")
            *_, after = readings(watch, 3)  # the first of them may have begun before
            assert after["integration_orphans"][relation(lost),] == len(lost.must[0].keys) > 0
            resource, (column,) = null.must[0].scope["resource"], null.must[0].fields
            assert after["integration_null_tenants"][column, resource] == len(null.must[0].keys) > 0
            watch.tells(f'integration_orphans{{relation="{relation(lost)}"}}: {len(lost.must[0].keys)} (beyond')
            watch.tells(f'integration_null_tenants{{resource="{resource}", column="{column}"}}')
            done = once(sample.parameters, sample.environment)
            assert done.returncode == 1 and "integration_orphans" in done.stdout
        finally:
            sample.heal()
        watch.tells(f'integration_orphans{{relation="{relation(lost)}"}}: 0 (within')
        *_, healed = readings(watch, 3)
        del clean["integration_read_timestamp_seconds"], healed["integration_read_timestamp_seconds"]
        assert str(healed) == str(clean)  # no NaN is equal to itself
        assert watch.end() == 0 and "Traceback" not in watch.errors.read_text()
