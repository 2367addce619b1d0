"""Deliveries are sent where a planned check judges them, and by hand only when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dsaudit import checks, source
from dsaudit.parameters import load
from dsaudit.probes.forging import GENUINE, REPEATED, WORDS
from dsaudit.run import Options, narrowed, run
from dsaudit.verdict import Status
from tests.checks.auditing import opened, variables
from tests.checks.receiver import Receiver, receiving
from tests.checks.test_probes import FORGERIES, REFUSED, STORED, allowed, reason_of
from tests.checks.test_probes_stored import LAND, with_raw_table
from tests.checks.test_probes_stored import REPEATED as ONCE
from tests.ledger import Ledger

BLUEPRINT = Path(__file__).parents[2] / "notebooks" / "datasource"
TWICE = [WORDS[GENUINE], WORDS[REPEATED]]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving(Receiver()) as one:
        yield one


@pytest.fixture
def ledger(new_ledger: Callable[..., Ledger], receiver: Receiver) -> Ledger:
    """The ledger, which lets forged deliveries be sent, and a genuine one."""
    return with_raw_table(allowed(new_ledger(), receiver, ", valid: true"))


def test_by_hand_nothing_is_sent_that_was_not_asked_for(ledger: Ledger, receiver: Receiver) -> None:
    with opened(ledger.parameters, ledger.environment, probe=False) as one:
        assert one.source.index and one.source.probe is None
        found = [one.check(name) for name in (REFUSED, STORED, ONCE)]
        assert one.frame("webhook_probe").empty
    assert {verdict.status for verdict in found} == {Status.SKIPPED}
    assert all("probe=True in a notebook" in reason_of(verdict) for verdict in found)
    assert receiver.came == []
    with opened(ledger.parameters, ledger.environment, probe=True) as one:
        assert one.check(REFUSED).status is Status.PASS
    assert len(receiver.came) == len(FORGERIES) + len(TWICE)


@pytest.mark.parametrize(
    ("options", "sending"),
    [
        (Options(), "all"),
        (Options(phases=["3"]), "all"),
        (Options(phases=["4", "5"]), "nothing"),
        (Options(checks=[REFUSED]), "all"),
        (Options(checks=[ONCE]), "genuine"),
        (Options(phases=["3"], checks=["signature_verified_in_code"]), "nothing"),
    ],
)
def test_what_is_planned_says_what_is_sent(options: Options, sending: str) -> None:
    plan = checks.plan(BLUEPRINT, load("parameters/sample.yml"))
    assert checks.sent_for(narrowed(plan, options)) == sending


def test_what_is_skipped_needs_nothing_sent(ledger: Ledger) -> None:
    text = ledger.parameters.read_text(encoding="utf-8")
    ledger.parameters.write_text(text.replace(", valid: true", ""), encoding="utf-8")
    plan = checks.plan(BLUEPRINT, load(ledger.parameters))
    assert checks.sent_for(narrowed(plan, Options(checks=[ONCE]))) == "nothing"


@pytest.mark.parametrize(
    ("check", "sent"), [("one_refined_row_per_source_id", []), (ONCE, TWICE), (REFUSED, [*FORGERIES, *TWICE])]
)
def test_a_run_sends_what_its_checks_need(
    check: str, sent: list[str], ledger: Ledger, receiver: Receiver, tmp_path: Path
) -> None:
    known: set[str] = set()

    def land(event: dict[str, str], is_right: bool) -> None:
        if is_right and event["id"] not in known:
            ledger.execute(LAND, "N", "member", "m-1", event["id"])
            known.add(event["id"])

    receiver.stores = land
    with variables(ledger.environment):
        outcome = run(load(ledger.parameters), Options(checks=[check], out=tmp_path), source.record, lambda line: None)
    probe = outcome.result["probe"]
    assert [WORDS[kind] for kind in (probe or {"kinds": []})["kinds"]] == sent
    assert len(receiver.came) == len(sent)
    assert (outcome.folder / "private" / "recording" / "probe.json").is_file() is bool(sent)


def test_a_reading_that_had_sent_less_is_probed_again(ledger: Ledger, receiver: Receiver, tmp_path: Path) -> None:
    parameters, lengths = load(ledger.parameters), []
    with variables(ledger.environment):
        for sending in ("genuine", "nothing", "genuine", "all", "genuine", "all"):
            source.record(parameters.sending_only(sending), tmp_path / "recording", resume=True)  # type: ignore[arg-type]
            lengths.append(len(receiver.came))
    assert lengths == [2, 2, 2, 10, 10, 10]
