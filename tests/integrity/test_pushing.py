"""An import that is pushed through the API and followed: clean, with each fault, refused, and where nothing may act."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from dsaudit.checks import all_checks
from dsaudit.checks.planning import NEVER, NOT_ASKED, plan_check
from dsaudit.handoff import ACTS, LEFT
from dsaudit.parameters import load
from dsaudit.pushing import act
from dsaudit.verdict import Status
from examples.discovery.faults import LIVE_FAULTS
from examples.discovery.sample import Sample
from tests.checks.auditing import Verdicts, all_rows, opened, told

pytestmark = pytest.mark.xdist_group("integrity_imports")

ARRIVES, TENANT, LINKED, ELSE, REMOVED = CHECKS = (
    *("pushed_import_arrives", "pushed_rows_have_their_tenant", "pushed_rows_are_linked"),
    *("pushed_import_brings_nothing_else", "pushed_import_is_removed"),
)
TABLES = ("crewai_flow_state_extensions", "data_imports", "raw_import_records", "discovery_flows", "assets")
Rows = dict[str, list[dict[str, Any]]]
Change = Callable[[str], str]


def own_file(sample: Sample, folder: Path, change: Change = str) -> Path:
    """The sample's file, in which rows are waited for a second."""
    path = folder / "parameters" / "discovery.yml"
    path.parent.mkdir(exist_ok=True)
    (folder / "notebooks").mkdir(exist_ok=True)
    text = sample.parameters.read_text(encoding="utf-8")
    path.write_text(change(text.replace("push:", "push:\n  wait_seconds: 1")), encoding="utf-8")
    return path


@contextmanager
def audited(path: Path, environment: dict[str, str]) -> Iterator[tuple[Verdicts, Rows, dict[str, Any]]]:
    """All checks with their rows, and what was seen; the note of what is left lies in ``seen["note"]``."""
    with opened(path, environment, live=True) as audit:
        found = {name: audit.check(name) for name in CHECKS}
        assert audit.table("pushed_steps")._repr_mimebundle_()
        seen = act.pushed_before(audit)
        assert seen is not None
        note = audit.private / LEFT
        told_left = json.loads(note.read_text(encoding="utf-8"))["what"] if note.exists() else None
        yield found, {name: all_rows(audit, verdict) for name, verdict in found.items()}, {**seen, "note": told_left}


def counts(sample: Sample) -> list[int]:
    return [int(sample.rows(f"select count(*) as number from {table}")[0]["number"]) for table in TABLES]


def reasons(found: Verdicts) -> set[str]:
    return {str(result.reason) for verdict in found.values() for result in verdict.results}


def test_an_import_passes_all_hops_and_is_gone_again(sample: Sample, tmp_path: Path) -> None:
    before = counts(sample)
    with audited(own_file(sample, tmp_path), sample.environment) as (found, _, seen):
        assert [told(one) for one in found.values() if one.status is not Status.PASS] == []
        assert seen["rows"] == 10 and seen["note"] is None
        steps = [step["step"] for step in seen["steps"]]
        assert steps[0] == "asked for" and steps[-3:] == ["rows that came", "taken away", "gone"]
        assert {"records", "assets", "settled"} < set(steps)
    assert counts(sample) == before


@pytest.mark.parametrize("fault", LIVE_FAULTS)
def test_a_fault_is_found_by_its_check_alone(fault: str, changed: Sample, tmp_path: Path) -> None:
    planted = changed.plant(fault)
    with audited(own_file(changed, tmp_path), changed.environment) as (found, rows, seen):
        (check,) = {one.check for one in planted.must}
        assert found[check].status is Status.FAIL, told(found[check])
        for expected in planted.must:
            assert any(expected.scope.items() <= row.items() for row in rows[check]), rows[check]
            assert set(expected.keys) <= {str(row["hop"]) for row in rows[check] if "hop" in row}
        others = [told(one) for name, one in found.items() if one.status is not Status.PASS and name != check]
        assert others == []
        assert bool(seen["note"]) is (fault == "removal_leaves_assets")


def test_what_remains_is_told_by_its_mark_and_how_many_rows(changed: Sample, tmp_path: Path) -> None:
    changed.plant("removal_leaves_assets")
    with audited(own_file(changed, tmp_path), changed.environment) as (_, rows, seen):
        kinds = sorted(row["resource"] for row in rows[REMOVED])
        assert kinds == ["asset", "asset", "asset", "discovery_flow", "master_flow"]
        assert "marked dsaudit-" in seen["note"] and "5 rows remained" in seen["note"]


def test_a_deletion_that_is_refused_leaves_all_and_says_so(changed: Sample, tmp_path: Path) -> None:
    path = own_file(changed, tmp_path, lambda text: text.replace('path: "data-imports/{id}"', 'path: "assets/{id}"'))
    with audited(path, changed.environment) as (found, rows, seen):
        assert found[ARRIVES].status is Status.PASS and found[REMOVED].status is Status.FAIL
        assert len(rows[REMOVED]) == 10 and "its deletion was answered with 404" in seen["note"]


def test_a_link_that_is_forgotten_is_named(changed: Sample, tmp_path: Path) -> None:
    with changed.owner() as connection:
        connection.execute(
            "create function forget() returns trigger language plpgsql as"
            " $$ begin new.discovery_flow_id := null; return new; end $$"
        )
        connection.execute("create trigger forget before insert on assets for each row execute function forget()")
    with audited(own_file(changed, tmp_path), changed.environment) as (found, rows, _):
        assert found[LINKED].status is Status.FAIL
        named = {(row["resource"], row["relation"], row["problem"]) for row in rows[LINKED]}
        assert named == {("asset", "asset.discovery_flow_id → discovery_flow.flow_id", "it is empty")}
        assert {row["hop"] for row in rows[ARRIVES]} == {"assets of its flow"}
    path = own_file(changed, tmp_path, lambda text: text + UNLINKED)
    with audited(path, changed.environment) as (found, _, _):
        assert found[LINKED].status is Status.PASS


UNLINKED = "  unlinked: [asset.discovery_flow_id]\n"


def test_what_hangs_on_nothing_is_named_and_what_came_with_others_is_not(changed: Sample, tmp_path: Path) -> None:
    with changed.owner() as connection:
        connection.execute(
            "create function stray() returns trigger language plpgsql security definer as $$ begin"
            " insert into assets (id, client_account_id, engagement_id, name, asset_type, status) values"
            " (gen_random_uuid(), new.client_account_id, new.engagement_id, md5(new.id::text), 'other', 'discovered');"
            " return null; end $$"
        )
        connection.execute("create trigger stray after insert on data_imports for each row execute function stray()")
    with audited(own_file(changed, tmp_path), changed.environment) as (found, rows, _):
        assert found[ELSE].status is Status.FAIL
        assert [(row["resource"], row["problem"]) for row in rows[ELSE]] == [
            ("asset", "appeared, and is tied to nothing of the import")
        ]


def test_the_import_of_somebody_else_is_left_out(
    changed: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited = act._Push._waited

    def and_another(push: act._Push) -> None:
        changed.import_records([{"name": "another's"}])
        waited(push)

    monkeypatch.setattr(act._Push, "_waited", and_another)
    with audited(own_file(changed, tmp_path), changed.environment) as (found, _, seen):
        assert [told(one) for one in found.values() if one.status is not Status.PASS] == []
        assert seen["told"] == ["5 rows of other imports came meanwhile, and were left out"] and seen["rows"] == 10


def test_an_import_that_is_interrupted_is_taken_away_all_the_same(
    sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = counts(sample)

    def interrupted(push: act._Push) -> None:
        assert counts(sample) != before and (push.audit.private / LEFT).is_file()
        raise KeyboardInterrupt

    monkeypatch.setattr(act._Push, "_waited", interrupted)
    with opened(own_file(sample, tmp_path), sample.environment, live=True) as audit:
        with pytest.raises(KeyboardInterrupt):
            audit.check(ARRIVES)
        assert not (audit.private / LEFT).exists()
    assert counts(sample) == before


# Refused, or not answered


@contextmanager
def answering(status: int, body: bytes = b"{}") -> Iterator[str]:
    """An API that answers everything alike."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *parts: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_wrong_token_proves_nothing_and_leaves_nothing(sample: Sample, tmp_path: Path) -> None:
    before = counts(sample)
    environment = {**sample.environment, "DISCOVERY_API_TOKEN": "a-token-of-nobody"}
    with audited(own_file(sample, tmp_path), environment) as (found, _, seen):
        assert {one.status for one in found.values()} == {Status.INCONCLUSIVE}
        assert reasons(found) == {"the API did not take the data_import: answered with 401"}
        assert seen["note"] is None
    assert counts(sample) == before


def test_a_body_that_is_malformed_proves_nothing(sample: Sample, tmp_path: Path) -> None:
    path = own_file(sample, tmp_path, lambda text: text.replace('name: "{mark}"\n', 'name: {of: "{mark}"}\n'))
    with audited(path, sample.environment) as (found, _, seen):
        assert reasons(found) == {"the API did not take the data_import: answered with 422"} and seen["note"] is None


def test_an_api_that_breaks_fails_the_import(sample: Sample, tmp_path: Path) -> None:
    with (
        answering(500) as api,
        audited(own_file(sample, tmp_path), {**sample.environment, "DISCOVERY_API": api}) as (found, rows, seen),
    ):
        assert found[ARRIVES].status is Status.FAIL and rows[ARRIVES][0]["hop"] == "asked for"
        assert {found[name].status for name in CHECKS[1:]} == {Status.INCONCLUSIVE} and seen["note"] is None


def test_an_answer_without_an_id_is_told_and_so_is_that_something_may_be_left(sample: Sample, tmp_path: Path) -> None:
    with (
        answering(200, b'{"data": {}}') as api,
        audited(own_file(sample, tmp_path), {**sample.environment, "DISCOVERY_API": api}) as (found, _, seen),
    ):
        assert "push.id: the answer holds no id at data.id" in reasons(found)
        assert "it is not known whether it was made; look for its mark" in seen["note"]


def test_an_import_whose_id_is_not_told_is_known_by_its_mark_and_removed(sample: Sample, tmp_path: Path) -> None:
    before = counts(sample)
    path = own_file(sample, tmp_path, lambda text: text.replace("id: data.id\n", "id: data.nothing\n"))
    with audited(path, sample.environment) as (found, _, seen):
        assert found[ARRIVES].status is Status.INCONCLUSIVE and seen["note"] is None
    assert counts(sample) == before


def test_an_api_that_is_down_proves_nothing(sample: Sample, tmp_path: Path) -> None:
    with answering(200) as api:
        pass
    with audited(own_file(sample, tmp_path), {**sample.environment, "DISCOVERY_API": api}) as (found, _, seen):
        assert reasons(found) == {"not reached: ConnectError"} and seen["note"] is None
        assert sample.environment["DISCOVERY_API_TOKEN"] not in json.dumps(seen) and api not in json.dumps(seen)


def test_where_no_row_tells_whose_it_is_the_file_has_to(changed: Sample, tmp_path: Path) -> None:
    with changed.owner() as connection:
        for table in reversed(TABLES):
            connection.execute(f"delete from {table}")
    with audited(own_file(changed, tmp_path), changed.environment) as (found, _, _):
        wanted = "no row of acme tells its engagement_id, so give the values under `push.tenancy`"
        assert reasons(found) == {wanted}
    given = "  tenancy: {engagement_id: 3e9a7c50-1d84-4b6f-b2e3-0f5c9d8a7146}\n"
    path = own_file(changed, tmp_path, lambda text: text + given)
    with audited(path, changed.environment) as (found, _, seen):
        assert [told(one) for one in found.values() if one.status is not Status.PASS] == []
        assert seen["rows"] == 10
    assert counts(changed) == [0] * 5


# Where nothing may act


def test_nothing_is_pushed_unless_a_run_is_asked_to_and_never_in_production(sample: Sample, tmp_path: Path) -> None:
    path = own_file(sample, tmp_path)
    check = all_checks()[ARRIVES]
    assert plan_check(check, load(path)).skipped == NOT_ASKED
    assert plan_check(check, load(path).allowed_to_act()).skipped is None
    production = own_file(sample, tmp_path, lambda text: text.replace("environment: development", PRODUCTION))
    assert plan_check(check, load(production).allowed_to_act()).skipped == NEVER


PRODUCTION = "environment: production"


def test_a_table_pushes_nothing(sample: Sample, tmp_path: Path) -> None:
    before = counts(sample)
    with opened(own_file(sample, tmp_path), sample.environment, live=True) as audit:
        assert audit.frame("pushed_steps").empty
    assert counts(sample) == before


def test_a_replay_pushes_nothing_though_the_run_that_is_replayed_acted(sample: Sample, tmp_path: Path) -> None:
    (tmp_path / "run" / "private" / "recording" / ACTS).mkdir(parents=True)
    before = counts(sample)
    with opened(own_file(sample, tmp_path), sample.environment, replay=str(tmp_path / "run")) as audit:
        assert reasons({ARRIVES: audit.check(ARRIVES)}) == {"the run that is replayed did not do it"}
        assert not (audit.private / "recording").exists()
    assert counts(sample) == before
