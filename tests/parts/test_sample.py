"""A sample: what is drawn is judged, the bound counts the uniform draw, and what is not drawn proves nothing."""

from __future__ import annotations

import math
import re

import pytest

from dsaudit.verdict import Status, bounds
from tests.parts.shop import NEW, OLD, WAYS, Shop, keys, reasons
from tests.parts.test_since import EXTRA, FIELDS, RAW, REFINED


@pytest.fixture
def filled(shop: Shop) -> Shop:
    for key in range(1, 41):
        shop.put(key, OLD if key % 3 else NEW)
    shop.put(101, NEW, tenant="B")
    shop.customer(7)
    shop.customer(9, tenant="B")
    return shop


@pytest.mark.parametrize("way", WAYS)
def test_of_a_sound_system_nothing_is_found_and_the_bound_is_told(way: str, filled: Shop) -> None:
    with filled.opened(way, sample=12) as audit:
        assert keys(audit, RAW) == keys(audit, REFINED) == keys(audit, EXTRA) == keys(audit, FIELDS) == set()
        (told,) = [one for one in audit.verdicts[-1].limits if one.startswith("order: ")]
        assert told == "order: 0 of 12 wrong: at most 23 % at 95 %"
        assert "customer: 0 of 2 wrong: these are all that our tables know" in audit.verdicts[-1].limits
        examined = sum(one.examined for one in audit.verdicts[-1].results if one.scope["resource"] == "order")
        assert 12 <= examined <= 41
    assert any("ids=" in one for one in filled.asked) == (way in ("several", "form"))


def test_the_same_seed_draws_the_same(filled: Shop) -> None:
    drawn = []
    for seed in (1, 1, 2):
        with filled.opened(sample=12, seed=seed) as audit:
            drawn.append(audit.source.uniform("order"))
    assert drawn[0] == drawn[1] != drawn[2]
    assert all(sum(map(len, one.values())) == 12 for one in drawn)


@pytest.mark.parametrize("way", WAYS)
def test_what_is_wrong_and_drawn_is_found_and_counted(way: str, filled: Shop) -> None:
    filled.execute("update orders set total = total + 1 where tenant_id = 'A'")
    with filled.opened(way, sample=12) as audit:
        found = keys(audit, FIELDS)
        uniform = audit.source.uniform("order")["acme"]
        assert uniform <= found and "101" not in found
        assert audit.verdicts[-1].bounds["order"] == [len(uniform), 12, 41]
        assert f"order: {len(uniform)} of 12 wrong: at most " in audit.verdicts[-1].limits[0]


def test_what_is_in_flight_counts_neither_as_right_nor_as_wrong(filled: Shop) -> None:
    filled.execute("update orders set total = 9 where order_id between 1 and 20")
    filled.execute("update orders set total = 9, changed = now() where order_id > 20")
    filled.execute("update raw set received_at = now() where object_type = 'order' and source_id::int > 20")
    path = filled.file("changes")
    path.write_text(path.read_text(encoding="utf-8").replace("clock_error_seconds: 0", "clock_error_seconds: 60"))
    with filled.opened_file(path, sample=12) as audit:
        drawn = {int(one) for ids in audit.source.uniform("order").values() for one in ids}
        wrong, under_way = sum(one <= 20 for one in drawn), sum(one > 20 for one in drawn)
        verdict = audit.check(FIELDS)
        assert wrong and under_way and verdict.causes["IN_FLIGHT"], reasons(verdict)
        assert verdict.bounds["order"] == [wrong, wrong, 41]
        neither = "of those drawn under way still, and counted neither as right nor as wrong"
        assert f"order: {under_way} {neither}" in verdict.limits


@pytest.mark.parametrize("way", ["several", "singly"])
def test_what_is_wrong_and_not_drawn_is_not_judged(way: str, filled: Shop) -> None:
    with filled.opened(way, sample=3) as audit:
        part = audit.source.part_ids("order")["acme"]
    outside = sorted({str(key) for key in range(1, 41)} - part)
    assert outside
    filled.execute("update orders set total = total + 1 where order_id = any(%s::bigint[])", outside)
    with filled.opened(way, sample=3) as audit:
        assert keys(audit, FIELDS) == set()


@pytest.mark.parametrize("way", WAYS)
def test_a_wrong_child_makes_its_parent_wrong(way: str, filled: Shop) -> None:
    filled.execute("update lines set title = 'another' where tenant_id = 'A'")
    with filled.opened(way, sample=12) as audit:
        assert keys(audit, FIELDS)
        assert audit.verdicts[-1].bounds["order"][0] == len(audit.source.uniform("order")["acme"])


@pytest.mark.parametrize("way", ["several", "singly"])
def test_what_the_first_page_shows_and_nobody_knows_here_is_found(way: str, filled: Shop) -> None:
    filled.at_source(0)
    with filled.opened(way, sample=3) as audit:
        assert "0" in keys(audit, REFINED)


@pytest.mark.parametrize("way", WAYS)
def test_empty_tables_are_no_proof(way: str, shop: Shop) -> None:
    for key in range(1, 10):
        shop.at_source(key)
    with shop.opened(way, sample=5) as audit:
        verdict = audit.check(FIELDS)
        assert verdict.status is Status.INCONCLUSIVE, reasons(verdict)
        assert audit.check(REFINED).status is (Status.INCONCLUSIVE if way in ("whole", "changes") else Status.FAIL)


def tail(wrong: int, drawn: int, share: float) -> float:
    return sum(math.comb(drawn, one) * share**one * (1 - share) ** (drawn - one) for one in range(wrong + 1))


@pytest.mark.parametrize(("wrong", "drawn"), [(0, 1), (0, 59), (1, 100), (7, 300), (30, 40), (0, 3000), (2, 100_000)])
def test_the_bound_is_where_so_few_come_in_five_of_a_hundred_samples(wrong: int, drawn: int) -> None:
    share = bounds.at_most(wrong, drawn)
    if drawn <= 3000:
        assert tail(wrong, drawn, share) == pytest.approx(0.05, abs=1e-6)
    if wrong == 0:
        assert share == pytest.approx(1 - 0.05 ** (1 / drawn))
    assert share > wrong / drawn


def test_the_bound_reads_as_it_is_said() -> None:
    assert bounds.words(0, 3000, 5_000_000) == "0 of 3,000 wrong: at most 0.1 % at 95 %"
    assert bounds.words(5, 5, 9) == "5 of 5 wrong: at most 100 % at 95 %"
    told = bounds.told({"order": [0, 300, 900], "a": [0, 300, 901], "b": [2, 300, 900]})
    assert re.fullmatch(r"b: 2 of 300 wrong: at most 2\.\d % at 95 %", told[0])
    assert told[1] == "order, a, each: 0 of 300 wrong: at most 1 % at 95 %"
