"""The chain of runs: whole, it is silent; each way of losing or changing a run has its own sentence."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dsaudit.evidence import chain
from tests.evidence.chains import record, series, told, write


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    return tmp_path / "acme"


def test_a_whole_chain_is_in_order_and_without_faults(reports: Path) -> None:
    series(reports, "z", "a", "m")
    (reports / "unfinished" / "draft").mkdir(parents=True)
    assert [link.run for link in chain.links(reports)] == ["z", "a", "m"]
    newest = chain.newest(reports)
    assert newest
    assert (newest.run, newest.manifest.number) == ("m", 3)
    assert not told(reports)


def test_without_runs_there_is_no_chain(reports: Path) -> None:
    assert chain.newest(reports) is None
    assert not told(reports)


def edited(reports: Path, runs: list[dict[str, Any]]) -> None:
    write(reports, {**runs[1], "decision": "NO-GO"})


def broken(reports: Path, runs: list[dict[str, Any]]) -> None:
    (reports / "b" / "manifest.json").write_text("{")


def forked(reports: Path, runs: list[dict[str, Any]]) -> None:
    write(reports, record("x", 3, runs[2]["previous"]))


def jumped(reports: Path, runs: list[dict[str, Any]]) -> None:
    write(reports, {**runs[2], "number": 5})


def backwards(reports: Path, runs: list[dict[str, Any]]) -> None:
    write(reports, {**runs[2], "number": 2})


def set_back(reports: Path, runs: list[dict[str, Any]]) -> None:
    write(reports, {**runs[2], "sealed": "2026-11-26T11:00:00+00:00"})


def anew(reports: Path, runs: list[dict[str, Any]]) -> None:
    write(reports, record("x"))


def foreign(reports: Path, runs: list[dict[str, Any]]) -> None:
    write(reports, {**runs[2], "run": {**runs[2]["run"], "integration": "other"}})


def renamed(reports: Path, runs: list[dict[str, Any]]) -> None:
    shutil.move(reports / "c", reports / "d")


def lost(reports: Path, runs: list[dict[str, Any]]) -> None:
    shutil.rmtree(reports / "b")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lost, "b is gone: c followed it"),
        (edited, "b was edited after c had followed it: its seal was "),
        (broken, "b: its manifest is not JSON"),
        (forked, "c and x both follow b"),
        (jumped, "c is number 5 and follows b, number 2: the numbers between them are missing"),
        (backwards, "c is number 2 and follows b, number 2"),
        (set_back, "c was sealed before the run that it follows, b"),
        (anew, "a and x both begin a chain"),
        (foreign, "c is a run of other, beside those of acme"),
        (renamed, "the folder d holds the run c"),
    ],
)
def test_each_fault_is_told_and_nothing_else(reports: Path, change: Callable[..., None], sentence: str) -> None:
    change(reports, series(reports, "a", "b", "c"))
    (only,) = told(reports)
    assert only.startswith(sentence)


def test_one_takes_its_place_after_the_other(reports: Path) -> None:
    reports.mkdir()
    order: list[str] = []
    holds = threading.Event()

    def second() -> None:
        holds.wait()
        with chain.locked(reports):
            order.append("second")

    other = threading.Thread(target=second)
    other.start()
    with chain.locked(reports):
        holds.set()
        other.join(timeout=0.3)  # it waits as long as we hold the lock
        order.append("first")
    other.join()
    assert order == ["first", "second"]
