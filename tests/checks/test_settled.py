"""A large resource is held in part: what every check says of it is what it says of the whole."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

import pytest

from dsaudit.reconcile import inputs, settled, sides
from dsaudit.reconcile.sides import MOST_WHOLE
from dsaudit.verdict import Verdict
from tests import ledger
from tests.checks.auditing import opened

CHECKS = [
    "source_missing_in_raw",
    "source_missing_in_refined",
    "refined_missing_at_source",
    "field_differences",
    "raw_differs_from_source",
]
DAMAGES = [
    "update ledger.invoice set total = total + 0.001 where store = 'A' and org = 'N'",
    "update ledger.invoice set void = true where store = 'a' and org = 'N'",
    "delete from ledger.invoice_line where line = 1 and org = 'S'",
    "insert into ledger.invoice (org, store, number) values ('S', 'x', 'y')",
    "alter table ledger.invoice alter number drop not null;"
    " insert into ledger.invoice (org, store, number) values ('S', 'x', null)",
    'update ledger."Member" set "Full Name" = \' trailing\' where "Full Name" = \' trailing \'',
    "update ledger.invoice set stored = now() + interval '1 day', changed = null where store = 'a '",
]


def told(verdict: Verdict) -> Any:
    told = verdict.to_json()
    said = {name: told[name] for name in ("status", "results", "columns", "rows", "findings", "limits")}
    # The evidence tells when this very reading began.
    return re.sub(r"from [-0-9]+ [:0-9]+ UTC, the database [-0-9]+ [:0-9]+ UTC", "now", repr(said))


def answers(
    parameters: Any, environment: Any, most: int, monkeypatch: pytest.MonkeyPatch, straight: int = 0
) -> tuple[Any, Any, int]:
    # By way of sys.modules: the package shows a function of the module's name.
    monkeypatch.setattr(sys.modules["dsaudit.reconcile.sides"], "MOST_WHOLE", most)
    monkeypatch.setattr(settled, "STRAIGHT", straight)
    with opened(parameters, environment) as one:
        assert one.source.index
        verdicts = {name: told(one.check(name)) for name in CHECKS}
        counts = one.frame("counts_on_all_sides").to_dict("records")
        held = sum(len(sides(one, name).source) for name in one.parameters.resources)
        return verdicts, counts, held


@pytest.mark.parametrize("number", range(len(DAMAGES)))
def test_the_ledger_in_part_is_judged_as_the_whole(
    new_ledger: Callable[..., ledger.Ledger], monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    one = new_ledger()
    one.execute(DAMAGES[number])
    whole = answers(one.parameters, one.environment, MOST_WHOLE, monkeypatch)
    part = answers(one.parameters, one.environment, 0, monkeypatch)
    assert part[:2] == whole[:2]
    assert part[2] < whole[2]


def test_the_ledger_read_politely_in_pieces_is_judged_as_the_whole(
    new_ledger: Callable[..., ledger.Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = new_ledger()
    one.execute(";".join(DAMAGES))
    one.execute("insert into ledger.invoice (org, store, number) select 'S', 'many', g from generate_series(1, 500) g")
    whole = answers(one.parameters, one.environment, MOST_WHOLE, monkeypatch)
    one.edit("parameters/ledger.yml", "{url_env: LEDGER_URL}", "{url_env: LEDGER_URL, polite: {rest: 0}}")
    monkeypatch.setattr(inputs, "POLITE_PIECE", 1)
    asked = pieces_of(monkeypatch)
    assert answers(one.parameters, one.environment, 0, monkeypatch)[:2] == whole[:2]
    assert max(asked) > 2


def pieces_of(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the list that will tell how many pieces each table was read in."""
    counts: list[int] = []
    pieces = inputs.Table.pieces

    def counted(table: inputs.Table) -> list[str]:
        counts.append(len(pieces(table)))
        return pieces(table)

    monkeypatch.setattr(inputs.Table, "pieces", counted)
    return counts


def test_the_sample_in_part_is_judged_as_the_whole(sample: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = answers(sample.parameters, sample.environment, MOST_WHOLE, monkeypatch)
    for straight in (0, 10**9):
        part = answers(sample.parameters, sample.environment, 0, monkeypatch, straight)
        assert part[:2] == whole[:2]
        assert part[2] < whole[2] / 2


def test_a_job_that_touches_all_rows_makes_none_of_them_looked_at(
    new_ledger: Callable[..., ledger.Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = new_ledger()
    one.execute("update ledger.invoice set changed = coalesce(changed, '2026-01-01')")
    _, _, before = answers(one.parameters, one.environment, 0, monkeypatch)
    one.execute("update ledger.invoice set stored = now() + interval '1 day'")
    _, _, after = answers(one.parameters, one.environment, 0, monkeypatch)
    assert after == before
