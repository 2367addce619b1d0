"""What the workers tell through their broker, and what is said where it does not answer."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from dsaudit.background.broker import BrokerError, connected
from dsaudit.background.calls import NotAllowed
from dsaudit.parameters import Parameters, load
from examples.control import poll
from tests.background.systems import PASSWORD, WORKER, Jobs, free_port, wait_for, written

pytestmark = pytest.mark.xdist_group("background")


@pytest.fixture
def parameters(tmp_path: Path) -> Parameters:
    return load(written(tmp_path, WORKER + "allow_actions: true\n"))


def test_the_workers_that_answer_are_told_with_what_they_know(
    working: Jobs, parameters: Parameters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMALL_BROKER", working.url)
    with connected(parameters) as broker:
        assert broker.workers() == ["one@here", "other@here"]
        registered = broker.registered()
        assert registered["one@here"] == ["jobs.work"] and registered["other@here"] == ["others.work"]
        assert broker.ours() == ["one@here"]
        assert broker.active() == {"one@here": [], "other@here": []}
        conf = broker.conf()
    assert conf["one@here"]["timezone"] == "Europe/Berlin" and conf["other@here"]["task_default_queue"] == "others"
    assert set(conf["one@here"]["beat_schedule"]["by-seconds"]) == {"task", "schedule"}
    assert "never-to-be-told" not in str(conf) and PASSWORD not in str(conf)


def test_a_task_is_queued_and_runs(
    working: Jobs, parameters: Parameters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMALL_BROKER", working.url)
    trace = tmp_path / "trace"
    with connected(parameters) as broker:
        sent = broker.send(path=str(trace))
        assert len(sent) == 36
        wait_for(lambda: trace.is_file() and "ended" in trace.read_text(encoding="utf-8"), "the task's end")
        assert broker.queued() == 0


def test_a_task_that_runs_is_seen_and_killed_in_the_middle(
    working: Jobs, parameters: Parameters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMALL_BROKER", working.url)
    trace, after = tmp_path / "trace", tmp_path / "after"
    with connected(parameters) as broker:
        sent = broker.send(path=str(trace), seconds=300)
        wait_for(trace.is_file, "the task's beginning")
        (task,) = broker.active()["one@here"]
        assert (
            task["id"] == sent
            and task["name"] == "jobs.work"
            and set(task)
            == {
                "id",
                "name",
                "time_start",
                "worker_pid",
            }
        )
        broker.send(path=str(after))
        broker.kill(sent)
        wait_for(after.is_file, "the next task's beginning: the worker lives")
    assert trace.read_text(encoding="utf-8") == "begun\n"


def test_a_second_worker_is_seen_and_one_that_has_gone_is_not_waited_for(
    working: Jobs, parameters: Parameters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMALL_BROKER", working.url)
    with connected(parameters) as broker:
        with working.worker("two"):
            all_three = ["one@here", "other@here", "two@here"]
            assert any(broker.workers() == all_three for _ in poll(30))  # a busy one answers late
            assert broker.ours() == ["one@here", "two@here"]
        assert broker.ours() == ["one@here"]


def test_nothing_is_queued_or_killed_where_nobody_asked_to_act(
    jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMALL_BROKER", jobs.url)
    with connected(load(written(tmp_path, WORKER))) as broker:
        with pytest.raises(NotAllowed, match="not asked for"):
            broker.send()
        with pytest.raises(NotAllowed, match="not asked for"):
            broker.kill("0")
        assert broker.queued() == 0
    with (
        connected(load(written(tmp_path, WORKER + "environment: production\n")).allowed_to_act()) as broker,
        pytest.raises(NotAllowed),
    ):
        broker.send()


def test_what_waits_without_a_worker_is_counted(tmp_path: Path, jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMALL_BROKER", jobs.url)
    text = WORKER.replace("wait_seconds", "queue: nobody, wait_seconds")
    with connected(load(written(tmp_path, text + "allow_actions: true\n"))) as broker:
        broker.send()
        broker.send()
        assert broker.queued() == 2


def test_without_a_worker_there_are_no_names(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, jobs: Jobs
) -> None:
    monkeypatch.setenv("SMALL_BROKER", jobs.url.replace("/0", "/1"))  # a database that no worker uses
    with connected(load(written(tmp_path, WORKER))) as broker:
        broker.registered()
        assert broker.workers() == [] and broker.conf() == {} and broker.ours() == []


BROKEN = {
    "down": ("redis://:{password}@127.0.0.1:{port}/0", "does not answer (worker.broker_env): connection refused"),
    "wrong password": ("redis://:{password}x@127.0.0.1:{up}/0", "it refuses the user or the password"),
    "no password": ("redis://127.0.0.1:{up}/0", "it refuses the user or the password"),
    "no address": ("{password}", "holds no address of a broker that is known here"),
    "another scheme": ("gopher://:{password}@127.0.0.1/0", "holds no address of a broker that is known here"),
    "nothing": ("", "SMALL_BROKER is not set"),
    "deaf": ("redis://:{password}@127.0.0.1:{deaf}/0", "it took too long"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broker_that_cannot_be_asked_is_told_in_one_line(
    case: str, jobs: Jobs, parameters: Parameters, monkeypatch: pytest.MonkeyPatch
) -> None:
    form, words = BROKEN[case]
    with socket.create_server(("127.0.0.1", 0)) as deaf:  # takes connections and says nothing
        up = jobs.url.rpartition(":")[2].partition("/")[0]
        places = {"password": PASSWORD, "port": free_port(), "up": up, "deaf": deaf.getsockname()[1]}
        monkeypatch.setenv("SMALL_BROKER", form.format(**places))
        with pytest.raises(BrokerError) as raised, connected(parameters):
            pass
    said = str(raised.value)
    assert words in said and len(said.splitlines()) == 1 and PASSWORD not in said, said


def test_the_address_of_another_broker_in_the_environment_is_not_used(
    jobs: Jobs, parameters: Parameters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMALL_BROKER", jobs.url)
    monkeypatch.setenv("CELERY_BROKER_URL", f"redis://127.0.0.1:{free_port()}/0")
    with connected(parameters) as broker:
        broker.workers()
        assert broker.queued() == 0


def test_a_broker_that_goes_away_is_told(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.background.systems import broker as started

    with started(tmp_path_factory.mktemp("going")) as url:
        monkeypatch.setenv("SMALL_BROKER", url)
        with connected(load(written(tmp_path, WORKER + "allow_actions: true\n"))) as broker:
            assert broker.workers() == []
            shut(url)
            for ask in (broker.workers, broker.queued, broker.send):
                with pytest.raises(BrokerError, match=r"does not answer \(worker\.broker_env\)") as raised:
                    ask()
                assert PASSWORD not in str(raised.value)


def shut(url: str) -> None:
    import redis

    with redis.Redis.from_url(url) as client:
        client.shutdown(nosave=True)


def test_without_celery_it_is_told_what_to_install(parameters: Parameters, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "celery", None)  # as where it is not installed
    with pytest.raises(BrokerError, match=r"pip install 'dsaudit\[celery\]'"), connected(parameters):
        pass
