"""Mutants are what they say, each check has some, and they are killed where a fault shows the difference."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from dsaudit.checks import all_checks
from tests.faults.mutating import code, queries
from tests.faults.mutating.mutant import Mutant, in_place
from tests.faults.mutating.recording import known, survivors
from tests.faults.mutating.stages import CLEAN, FAMILIES, At
from tests.faults.mutating.trying import tried

QUERIES = sorted(name for name, check in all_checks().items() if check.is_query)
FUNCTIONS = sorted(name for name, check in all_checks().items() if not check.is_query and "acts" not in check.headers)

SMALL = """select distinct on (a) a, coalesce(b, 0) as b from {raw} as r left join {refined} as f on f.a = r.a
where not r.d and r.n < %(most)s and r.t between 1 and 9000000 order by a, n desc"""
COUNTED = """select a, count(*) as copies from {raw} as r where a is not null group by a, b
having count(*) filter (where c) > 1 or b = 5 order by a"""


def mutations(query: str, *judged: str) -> dict[str, str]:
    return {mutation: text.lower() for mutation, _, text in queries.mutated(query, judged)}


@pytest.mark.parametrize(
    ("mutation", "there"),
    [
        ("drop: WHERE NOT r.d AND r.n < %(most)s AND r.t BETWEEN 1 AND 9000000", "f.a = r.a order by"),
        ("negate: WHERE NOT r.d AND r.n < %(most)s AND r.t BETWEEN 1 AND 9000000", "where not (not r.d and"),
        ("without: r.n < %(most)s", "where not r.d and r.t between"),
        ("or instead in: NOT r.d AND r.n < %(most)s AND r.t BETWEEN 1 AND 9000000", "not r.d or r.n < %(most)s or r.t"),
        ("<= instead: r.n < %(most)s", "r.n <= %(most)s"),
        ("> instead: r.n < %(most)s", "r.n > %(most)s"),
        ("<> instead: f.a = r.a", "on f.a <> r.a"),
        ("drop not: NOT r.d", "where r.d and"),
        ("no lower bound: r.t BETWEEN 1 AND 9000000", "r.t <= 9000000"),
        ("one more than: 9000000", "between 1 and 9000001"),
        ("inner join: LEFT JOIN {refined} AS f ON f.a = r.a", "as r join {refined}"),
        ("right join: LEFT JOIN {refined} AS f ON f.a = r.a", "as r right join {refined}"),
        ("drop: DISTINCT ON (a)", "select a, coalesce(b, 0) as b from"),
        ("the first of: COALESCE(b, 0)", "a, b as b from"),
        ("turn the order round: n DESC", "order by a, n"),
    ],
)
def test_a_query_is_changed_in_one_thing(mutation: str, there: str) -> None:
    assert there in mutations(SMALL, "a", "b")[mutation]


@pytest.mark.parametrize(
    ("mutation", "there"),
    [
        ("group without: b", "group by a having"),
        ("drop: HAVING COUNT(*) FILTER(WHERE c) > 1 OR b = 5", "group by a, b order by"),
        ("one more than: 1", "> 2 or"),
        (">= instead: COUNT(*) FILTER(WHERE c) > 1", ">= 1 or"),
        ("and instead in: COUNT(*) FILTER(WHERE c) > 1 OR b = 5", "> 1 and b = 5"),
        ("drop the filter of: COUNT(*) FILTER(WHERE c)", "having count(*) > 1"),
        ("count(distinct …) instead: COUNT(*)", "having count(distinct 1) filter"),
        ("negate: a IS NULL", "x"),
    ],
)
def test_what_counts_is_changed_too(mutation: str, there: str) -> None:
    found = mutations(COUNTED, "a")
    assert (mutation in found) == (there != "x"), found  # not twice: `not a is null` has its own
    assert there == "x" or there in found[mutation]


def test_what_is_shown_alone_stays_as_it_is() -> None:
    assert "the first of: COALESCE(b, 0)" not in mutations(SMALL, "a")
    assert not any("turn the order round: a" in one for one in mutations(SMALL, "a", "b")), "any order will do"
    assert not any("turn the order round" in one for one in mutations(COUNTED, "a")), "rows are shown in it"


@pytest.mark.parametrize("name", QUERIES)
def test_every_query_has_mutants_and_none_is_the_query(name: str) -> None:
    check = all_checks()[name]
    found = queries.mutants_of(check)
    assert {one.part for one in found} == {"query", "examined"}
    assert len({one.key for one in found}) == len({(one.part, one.text) for one in found}) == len(found)
    own = {queries.written(queries.parsed(text)) for text in (check.query, check.examined)}
    assert not own & {one.text for one in found}


FUNCTION = """
def check(audit):
    rows = []
    for one in _chosen(audit):
        if one.a < 3 and not one.b:
            rows.append(one)
    return rows, [one for one in audit if one.c]

def _chosen(audit):
    return [one for one in audit if one.d]

def other(audit):
    return [] if audit else audit
"""


@pytest.mark.parametrize(
    ("mutation", "there"),
    [
        ("negate the condition of: if one.a < 3 and (not one.b): rows.append(one)", "if not (one.a < 3 and"),
        ("or instead in: one.a < 3 and (not one.b)", "one.a < 3 or not one.b"),
        ("LtE instead in: one.a < 3", "one.a <= 3"),
        ("Gt instead in: one.a < 3", "one.a > 3"),
        ("one more than: 3", "one.a < 4"),
        ("drop not: not one.b", "one.a < 3 and one.b"),
        ("drop: rows.append(one)", "pass"),
        ("drop a filter of: for one in audit if one.c", "[one for one in audit]"),
        ("drop a filter of: for one in audit if one.d", "return [one for one in audit]\n\ndef other"),
    ],
)
def test_a_function_is_changed_in_one_thing(mutation: str, there: str) -> None:
    tree = ast.parse(FUNCTION)
    found = {words: text for words, _, text in (code.changed(tree, *one) for one in code.changeable(tree, "check"))}
    assert there in found[mutation]
    assert not any("audit if audit" in text or "not audit" in text for text in found.values()), "it uses no other"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_mutants_that_are_python(name: str) -> None:
    found = code.mutants_of(all_checks()[name])
    assert found[0].mutation == "return no rows"
    for one in found:
        compile(one.text, name, "exec")


def test_a_module_is_put_in_the_place_of_the_checks_own_and_back() -> None:
    check = all_checks()["null_keys"]
    (first, *_) = code.mutants_of(check)
    with in_place(check, first):
        assert "_found" in vars(sys.modules["dsaudit.functions.keys"])
    from dsaudit.functions import keys

    assert sys.modules["dsaudit.functions.keys"] is keys and "_found" not in vars(keys)


def test_each_survivor_has_a_reason_and_no_other_mutant_has_one() -> None:
    alive = {key(line): line["reason"] for line in known() if not (line["killed_by"] or line["refused"])}
    assert [key for key, reason in alive.items() if not reason] == []
    assert alive == survivors()


def key(line: dict[str, Any]) -> tuple[str, str]:
    return line["check"], line["mutation"]


def test_the_figures_are_of_the_checks_that_there_are() -> None:
    made = {one.key for name in QUERIES for one in queries.mutants_of(all_checks()[name])}
    made |= {one.key for name in FUNCTIONS for one in code.mutants_of(all_checks()[name])}
    assert {key(line) for line in known()} == made


def test_nine_of_ten_mutants_of_queries_are_noticed() -> None:
    of_queries = [line for line in known() if line["language"] == "sql" and not line["refused"]]
    assert sum(bool(line["killed_by"]) for line in of_queries) >= 0.9 * len(of_queries)


# On running systems


@pytest.fixture(scope="module")
def ledger() -> Iterator[At]:
    with FAMILIES["ledger"].running() as at:
        yield at


@pytest.mark.parametrize("fault", [CLEAN, "orphans", "last_sync_completed"])
def test_a_query_that_is_only_written_anew_says_the_same(fault: str, ledger: At) -> None:
    same = [
        Mutant(name, "nothing", "", part, queries.written(queries.parsed(getattr(all_checks()[name], part))))
        for name in QUERIES
        for part in ("query", "examined")
    ]
    with ledger(fault) as (audit, key):
        found = tried(audit, same, key)
    assert found.killed == found.refused == set()


def test_a_function_that_is_only_read_anew_says_the_same(ledger: At) -> None:
    texts = {name: all_checks()[name].path.read_text(encoding="utf-8") for name in FUNCTIONS}
    with ledger(CLEAN) as (audit, key):
        assert tried(audit, [Mutant(name, "nothing", "", "module", texts[name]) for name in texts], key).killed == set()


def test_a_fault_kills_what_its_answer_key_names(ledger: At) -> None:
    mutants = [one for name in ("orphans", "null_hashes") for one in queries.mutants_of(all_checks()[name])]
    once = ("orphans", "examined: count(distinct …) instead: COUNT(*)")
    with ledger(CLEAN) as (audit, _):
        assert once in tried(audit, mutants, None).killed
        assert once in tried(audit, mutants, {"orphans"}).killed
        assert tried(audit, mutants, {"references_stay_within_the_tenant"}).killed == set()


@pytest.mark.xdist_group("storefront_mutants")
def test_all_mutants_of_a_check_are_killed_on_the_running_sample() -> None:
    alive = queries.mutants_of(all_checks()["null_hashes"])
    with FAMILIES["storefront"].running() as at:
        for fault in (CLEAN, "hash_missing"):
            with at(fault) as (audit, key):
                found = tried(audit, alive, key)
            alive = [one for one in alive if one.key not in found.killed | found.refused]
    assert alive == []


@pytest.mark.parametrize(
    ("name", "fault", "part", "other"),
    [
        ("clock_is_read_with_its_zone", "clock_is_read_with_its_zone", "node.attr in NAIVE", "node.attr not in NAIVE"),
        ("field_differences", CLEAN, "for key in shared if not both", "for key in shared if both"),
        ("lookups_use_an_index", CLEAN, "SAMPLES = 3", "SAMPLES = 2"),
    ],
)
def test_a_mutant_is_not_handed_what_its_check_keeps(name: str, fault: str, part: str, other: str, ledger: At) -> None:
    text = all_checks()[name].path.read_text(encoding="utf-8")
    assert part in text
    mutant = Mutant(name, "by hand", "", "module", text.replace(part, other))
    with ledger(fault) as (audit, key):
        assert tried(audit, [mutant], key).killed == {mutant.key}


def test_a_function_that_finds_nothing_is_killed_by_its_fault(ledger: At) -> None:
    first, *_ = code.mutants_of(all_checks()["null_keys"])
    with ledger(CLEAN) as (audit, key):
        assert tried(audit, [first], key).killed == set()
    with ledger("null_keys") as (audit, key):
        assert tried(audit, [first], key).killed == {first.key}
