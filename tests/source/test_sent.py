"""The provider's log of deliveries: what is kept of it, and what makes it unknown."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from dsaudit.parameters import Parameters
from dsaudit.parameters.part import Part
from dsaudit.source import Recording, SourceError, record, replay, sent, sent_problem
from tests.source.providers import Answer, Asked, an_order, ids, rest, serving

NOW = datetime.now(UTC)
COLUMNS = "delivery_id: id, source_id: body.id, attempts: tries, status: state, answer: code"
WORDS = f"columns: {{{COLUMNS}}}, taken: done, pending: [trying], failed: lost"


def an_entry(key: int, state: Any = "done", hours: float = 1, **values: Any) -> dict[str, Any]:
    at = (NOW - timedelta(hours=hours)).isoformat()
    body = {"id": 7, "name": "Ada Secret"}
    made = {"id": f"d{key}", "topic": "order.updated", "body": body, "created_at": at, "state": state}
    return {**made, "tries": 1, "code": 200, **values}


class Log:
    """Serves a list of orders and a log of deliveries, two entries a page."""

    def __init__(self, *entries: dict[str, Any], status: int = 200, total: int | None = None) -> None:
        self.entries, self.status, self.total = list(entries), status, total
        self.asked: list[str] = []
        self.address = ""

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked[1])
        path, given = urlsplit(asked[1]).path, parse_qs(urlsplit(asked[1]).query)
        if path.endswith("orders.json"):
            return 200, {}, json.dumps({"orders": [an_order(1)], "total": 1}).encode()
        start = int(given.get("page", ["0"])[0])
        page = self.entries[start : start + 2]
        body = {"deliveries": page, **({} if self.total is None else {"total": self.total})}
        more = f'<{self.address}{path}?page={start + 2}>; rel="next"' if start + 2 < len(self.entries) else ""
        return self.status, {"Link": more} if more else {}, json.dumps(body).encode()


Taken = Callable[..., Recording]


@pytest.fixture
def taken(parameters: Callable[..., Parameters], tmp_path: Any) -> Taken:
    """Record what a log serves, by the keys of `source.deliveries`."""

    def made(log: Log, more: str = WORDS, paging: str = "link", part: Part | None = None) -> Recording:
        with serving(log.answer, set()) as log.address:
            section = f"page_size: 2, paging: {paging}, deliveries: {{path: log.json, {more}}}"
            declared = parameters(source=rest(log.address, section))
            if part:
                declared._part = part
            record(declared, tmp_path / "run" / "private" / "recording")
        return Recording(tmp_path / "run" / "private" / "recording", declared)

    return made


def states(recording: Recording) -> dict[str | None, str]:
    assert sent_problem(recording, "shop") is None
    return {one.delivery_id: one.state for one in sent(recording, "shop")}


def unknown(recording: Recording) -> str:
    """Return why the log is not known; the other lists are whole all the same."""
    assert ids(recording) == ["1"]
    return str(sent_problem(recording, "shop"))


def test_all_pages_are_read_and_only_what_is_asked_for_is_kept(taken: Taken, tmp_path: Any) -> None:
    old = an_entry(9, hours=24 * 7 + 1)
    log = Log(*(an_entry(key, state) for key, state in enumerate(["done", "trying", "lost"])), old, an_entry(4))
    recording = taken(log, f"since: from, {WORDS}")
    assert states(recording) == {"d0": "taken", "d1": "pending", "d2": "failed", "d4": "taken"}
    first = next(sent(recording, "shop"))
    assert (first.topic, first.source_id, first.attempts, first.answer) == ("order.updated", "7", 1, "200")
    kept = (tmp_path / "run" / "private" / "recording" / "shop" / "deliveries.log.gz").read_bytes()
    assert b"Secret" not in gzip.decompress(kept)
    asked = next(one for one in log.asked if "from=" in one)
    since = datetime.fromisoformat(parse_qs(urlsplit(asked).query)["from"][0])
    assert timedelta(days=7) < datetime.now(UTC) - since < timedelta(days=7, minutes=1)


def test_a_replay_tells_the_same_and_asks_nobody(taken: Taken, tmp_path: Any) -> None:
    log = Log(an_entry(1), an_entry(2, "lost"), an_entry(3, "trying"))
    first = taken(log)
    declared, asked = first._parameters, len(log.asked)
    replay(tmp_path / "run")(declared, tmp_path / "again", lambda line: None)
    assert list(sent(Recording(tmp_path / "again", declared), "shop")) == list(sent(first, "shop"))
    assert len(log.asked) == asked


def test_statuses_of_http_need_no_words(taken: Taken) -> None:
    columns = "columns: {delivery_id: id, attempts: tries, status: code}"
    log = Log(
        *(an_entry(key, code=code, hours=30) for key, code in enumerate([200, 204, "299", 301, 500, None])),
        an_entry(6, code=503, hours=1),
        an_entry(7, code=None, tries=0, hours=30),
    )
    found = states(taken(log, f"retried_hours: 24, {columns}"))
    assert [found[f"d{key}"] for key in range(3)] == ["taken"] * 3
    assert [found[f"d{key}"] for key in range(3, 6)] == ["failed"] * 3
    assert (found["d6"], found["d7"]) == ("pending", "pending")


def test_a_list_of_failures_tells_of_nothing_else(taken: Taken) -> None:
    columns = "columns: {delivery_id: id, source_id: body.id, status: none}"
    found = states(taken(Log(an_entry(1, hours=30), an_entry(2)), f"retried_hours: 24, {columns}"))
    assert found == {"d1": "failed", "d2": "pending"}


def test_an_instant_may_be_a_number_of_seconds(taken: Taken) -> None:
    seconds = int(NOW.timestamp()) - 60
    (one,) = sent(taken(Log(an_entry(1, created_at=seconds))), "shop")
    assert one.sent_at == datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(
    ("entry", "more", "words"),
    [
        (an_entry(1, "dropped"), WORDS, "the status 'dropped' of an entry is none of taken, pending and failed"),
        (an_entry(1), WORDS.replace("status: state", "status: stage"), "an entry has no status at stage"),
        (an_entry(1), WORDS.replace("delivery_id: id", "delivery_id: key"), "an entry has no delivery_id at key"),
        (an_entry(1, created_at="yesterday"), WORDS, "an entry has no instant at created_at"),
        (an_entry(1, created_at="2026-11-26T12:00:00"), WORDS, "an entry has no instant at created_at"),
        (an_entry(1, topic=None), WORDS, "an entry has no topic at topic"),
        (an_entry(1), f"records: sent, {WORDS}", "there is no list of records at sent"),
    ],
)
def test_what_is_not_as_declared_makes_it_unknown(entry: dict[str, Any], more: str, words: str, taken: Taken) -> None:
    told = unknown(taken(Log(an_entry(0), an_entry(0), entry), more))
    assert told.startswith("the provider's log of deliveries is not known: ") and words in told


def test_a_log_that_is_refused_is_unknown(taken: Taken) -> None:
    assert "refused with 403" in unknown(taken(Log(an_entry(1), status=403)))


def test_a_log_that_ends_early_is_unknown(taken: Taken) -> None:
    log = Log(an_entry(1), an_entry(2), total=3)
    assert "2 entries were read, and it says that it has 3" in unknown(taken(log, paging="{style: link, total: total}"))


def test_a_recording_that_was_altered_is_not_read(taken: Taken, tmp_path: Any) -> None:
    recording = taken(Log(an_entry(1)))
    with gzip.open(tmp_path / "run" / "private" / "recording" / "shop" / "deliveries.log.gz", "at") as file:
        file.write("{}\n")
    with pytest.raises(SourceError, match="its digest is another"):
        list(sent(recording, "shop"))


def test_a_part_of_the_records_needs_no_log(taken: Taken) -> None:
    log = Log(an_entry(1))
    recording = taken(log, part=Part(resources=("order",)))
    assert not [one for one in log.asked if "log.json" in one]
    assert "it was not asked for" in str(sent_problem(recording, "shop"))
