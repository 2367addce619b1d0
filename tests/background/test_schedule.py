"""The schedule as workers, tables and redbeat tell it, and what its intervals mean."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dsaudit import server
from dsaudit.background import intervals
from dsaudit.background.broker import BrokerError
from dsaudit.background.schedule import Entry, ScheduleError, entries, is_as_documented
from dsaudit.parameters import load
from dsaudit.parameters.schedule import Schedule
from tests.background.systems import PASSWORD, WORKER, Jobs, free_port, written

pytestmark = pytest.mark.xdist_group("background")
SCHEDULE = "schedule: {entry: by-seconds, seconds: 2.5, from: %s}\n"


def read(folder: Path, way: str, more: str = WORKER) -> dict[str, Entry]:
    found = entries(load(written(folder, more + SCHEDULE % way)))
    assert [one.name for one in found] == sorted(one.name for one in found)
    return {one.name: one for one in found}


# Workers


def test_workers_tell_every_shape_of_interval(working: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMALL_BROKER", working.url)
    found = read(tmp_path, "worker")
    assert {name: (one.seconds, one.crontab, one.zone) for name, one in found.items()} == {
        "added-later": (45.0, None, None),
        "by-crontab": (None, "*/10 * * * *", "Europe/Berlin"),
        "by-lists": (None, "30,0 8-17 * * mon,fri", "Europe/Berlin"),
        "by-moon": (None, None, None),
        "by-schedule": (90.0, None, None),
        "by-seconds": (2.5, None, None),
        "by-timedelta": (86430.0, None, None),
    }
    assert {one.task for one in found.values()} == {"jobs.work"}
    assert found["by-seconds"].where == "the configuration of one@here"  # and not the other application's
    assert found["by-moon"].where.endswith("an interval of its own kind, <moon: full>")


def test_workers_of_another_application_tell_nothing_of_ours(
    working: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMALL_BROKER", working.url)
    with pytest.raises(ScheduleError, match=r"no worker that answers knows nobodys\.work"):
        read(tmp_path, "worker", WORKER.replace("jobs.work", "nobodys.work"))


def test_without_workers_or_broker_nothing_is_said_of_the_schedule(
    jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMALL_BROKER", jobs.url.replace("/0", "/1"))
    with pytest.raises(ScheduleError, match="no worker answers"):
        read(tmp_path, "worker")
    monkeypatch.setenv("SMALL_BROKER", f"redis://:{PASSWORD}@127.0.0.1:{free_port()}/0")
    with pytest.raises(BrokerError, match="connection refused"):
        read(tmp_path, "worker")


# The tables of django-celery-beat

TABLES = """
create table django_celery_beat_intervalschedule (
  id serial primary key, every integer not null, period varchar(24) not null);
create table django_celery_beat_crontabschedule (
  id serial primary key, minute varchar(240) not null, hour varchar(96) not null, day_of_week varchar(64) not null,
  day_of_month varchar(124) not null, month_of_year varchar(64) not null, timezone varchar(63) not null);
create table django_celery_beat_solarschedule (
  id serial primary key, event varchar(24) not null, latitude numeric(9,6) not null, longitude numeric(9,6) not null);
create table django_celery_beat_clockedschedule (id serial primary key, clocked_time timestamptz not null);
create table django_celery_beat_periodictask (
  id serial primary key, name varchar(200) not null unique, task varchar(200) not null, args text not null default '[]',
  kwargs text not null default '{}', queue varchar(200), exchange varchar(200), routing_key varchar(200),
  expires timestamptz, enabled boolean not null default true, last_run_at timestamptz,
  total_run_count integer not null default 0, date_changed timestamptz not null default now(),
  description text not null default '',
  crontab_id integer references django_celery_beat_crontabschedule,
  interval_id integer references django_celery_beat_intervalschedule,
  solar_id integer references django_celery_beat_solarschedule, one_off boolean not null default false,
  start_time timestamptz, priority integer, headers text not null default '{}',
  clocked_id integer references django_celery_beat_clockedschedule, expire_seconds integer);
insert into django_celery_beat_intervalschedule (every, period) values (10, 'minutes'), (1500, 'microseconds');
insert into django_celery_beat_crontabschedule (minute, hour, day_of_week, day_of_month, month_of_year, timezone)
  values ('0', '4', '1-5', '*', '*', 'Europe/Berlin');
insert into django_celery_beat_solarschedule (event, latitude, longitude) values ('sunset', 48.1, 11.6);
insert into django_celery_beat_periodictask (name, task, interval_id, crontab_id, solar_id, enabled, one_off, expires)
  values ('every-ten', 'a.b', 1, null, null, true, false, null), ('fast', 'a.b', 2, null, null, true, false, null),
  ('at-four', 'a.b', null, 1, null, true, false, null), ('at-sunset', 'a.b', null, null, 1, true, false, null),
  ('switched-off', 'a.b', 1, null, null, false, false, null), ('once', 'a.b', 1, null, null, true, true, null),
  ('ran-out', 'a.b', 1, null, null, true, false, '2020-01-01'),
  ('still-good', 'a.b', 1, null, null, true, false, '2999-01-01');
"""


@pytest.fixture(scope="module")
def database() -> Iterator[Any]:
    with server.running() as one:
        yield one


def test_the_tables_of_django_tell_intervals_crontabs_and_what_is_switched_off(
    database: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMALL_URL", database.url)
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(TABLES)
    found = read(tmp_path, "table", "")
    assert {name: (one.seconds, one.crontab, one.zone) for name, one in found.items() if one.is_enabled} == {
        "at-four": (None, "0 4 * * 1-5", "Europe/Berlin"),
        "at-sunset": (None, None, None),
        "every-ten": (600.0, None, None),
        "fast": (0.0015, None, None),
        "still-good": (600.0, None, None),
    }
    assert {name for name, one in found.items() if not one.is_enabled} == {"switched-off", "once", "ran-out"}
    assert "neither an interval nor a crontab" in found["at-sunset"].where


def test_a_database_without_those_tables_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with server.running() as empty:
        monkeypatch.setenv("SMALL_URL", empty.url)
        with pytest.raises(ScheduleError, match="there is no django_celery_beat_periodictask"):
            read(tmp_path, "table", "")
    with pytest.raises(ScheduleError, match="tables cannot be read: SMALL_URL: "):
        read(tmp_path, "table", "")


# Redbeat


def test_redbeats_keys_are_read_as_it_writes_them(jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import redis

    address = jobs.url.replace("/0", "/2")
    monkeypatch.setenv("SMALL_BROKER", address)
    every = {"__type__": "interval", "every": 600.0, "relative": False}
    fields = {"minute": "*/10", "hour": "*", "day_of_week": "*", "day_of_month": "*", "month_of_year": "*"}
    rule = {"__type__": "rrule", "freq": 3, "interval": 1}
    given = {"every": every, "cron": {"__type__": "crontab", **fields}, "rule": rule, "off": every}
    with redis.Redis.from_url(address) as client:
        for name, schedule in given.items():
            definition = {"name": name, "task": "jobs.work", "args": [], "kwargs": {}, "options": {}}
            definition |= {"schedule": schedule, "enabled": name != "off"}
            client.hset(f"redbeat:{name}", "definition", json.dumps(definition))
            client.hset(f"redbeat:{name}", "meta", json.dumps({"last_run_at": None, "total_run_count": 0}))
            client.zadd("redbeat::schedule", {f"redbeat:{name}": 0})
        client.hset("redbeat:torn", "definition", "{")
        client.sadd("redbeat::statics", "every")
        client.set("redbeat::lock", "x")
    found = read(tmp_path, "redbeat")
    assert {name: (one.seconds, one.crontab, one.is_enabled) for name, one in found.items()} == {
        "cron": (None, "*/10 * * * *", True),
        "every": (600.0, None, True),
        "off": (600.0, None, False),
        "rule": (None, None, True),
        "torn": (None, None, True),
    }
    assert found["every"].where == "redbeat:every in the broker" and found["every"].task == "jobs.work"
    assert "kind rrule is not read" in found["rule"].where and "cannot be read" in found["torn"].where


# What intervals mean


@pytest.mark.parametrize(
    ("crontab", "seconds"),
    [
        ("* * * * *", 60),
        ("*/10 * * * *", 600),
        ("5-59/10 * * * *", 600),
        ("0,30 * * * *", 1800),
        ("7 * * * *", 3600),
        ("0 */6 * * *", 21600),
        ("0 4 * * *", 86400),
        ("*/7 * * * *", None),  # not the same at the end of an hour
        ("0 4 * * mon", None),
        ("0 8-17 * * *", None),
        ("61 * * * *", None),
        ("* * * *", None),
    ],
)
def test_a_crontab_has_an_interval_where_it_is_always_the_same(crontab: str, seconds: float | None) -> None:
    assert intervals.pause(crontab) == seconds


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0,30 * * * mon-fri", "*/30 * * * 1-5"),
        ("0 0 * * 7", "0 0 * * sun"),
        ("0 0 1 jan *", "0 0 1 1 *"),
        ("0 0 * * monday", "0 0 * * 1"),
    ],
)
def test_crontabs_that_are_written_otherwise_mean_the_same(one: str, other: str) -> None:
    assert intervals.same(one, other) and not intervals.same(one, "1 2 3 4 5") and not intervals.same("x", "x")


@pytest.mark.parametrize(
    ("there", "documented", "is_right"),
    [
        ((30.0, None), {"seconds": 30}, True),
        ((90.0, None), {"seconds": 30}, False),
        ((100.2, None), {"seconds": 100}, True),  # as Celery rounds 1.67 minutes
        ((None, "*/10 * * * *"), {"seconds": 600}, True),
        ((None, "*/10 * * * *"), {"crontab": "0,10,20,30,40,50 * * * *"}, True),
        ((None, "*/30 * * * *"), {"crontab": "*/10 * * * *"}, False),
        ((600.0, None), {"crontab": "*/10 * * * *"}, True),
        ((None, "0 4 * * mon"), {"seconds": 604800}, False),
        ((None, None), {"seconds": 30}, None),
    ],
)
def test_an_interval_is_held_against_the_documented_one(
    there: tuple[Any, Any], documented: dict[str, Any], is_right: bool | None
) -> None:
    entry = Entry("a", "b", *there, None, "")
    assert is_as_documented(entry, Schedule(entry="a", **documented)) is is_right


@pytest.mark.parametrize(
    ("crontab", "zone", "is_right"),
    [
        ("0 4 * * *", "Europe/Berlin", True),
        ("0 4 * * *", "UTC", False),
        ("0 4 * * mon", "UTC", False),
        ("*/10 * * * *", "UTC", True),
    ],
)
def test_a_time_of_the_day_is_of_a_zone(crontab: str, zone: str, is_right: bool) -> None:
    entry = Entry("a", "b", None, crontab, "Europe/Berlin", "")
    assert is_as_documented(entry, Schedule(entry="a", crontab=crontab, zone=zone)) is is_right
    assert is_as_documented(entry, Schedule(entry="a", crontab=crontab))  # where no zone is documented
