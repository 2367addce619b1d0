"""The schedule as the code gives it, read and never run."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from dsaudit import codebase
from dsaudit.background.schedule import Entry, ScheduleError, entries
from dsaudit.parameters import load
from tests.background.systems import written

FILE = "worker: {broker_env: X, task: app.core.tasks.sync}\ncode: {folder: .}\n"
FILE += "schedule: {entry: sync, seconds: 30, from: code}\n"
TASKS = """
from app.core.celery_app import celery_app

@celery_app.task
def sync():
    pass

@celery_app.task(name="other.name")
def named():
    pass
"""
HEAD = "from celery import Celery\nfrom celery.schedules import crontab, schedule\nfrom datetime import timedelta\n"
HEAD += "from app.core import tasks\nfrom app.core.config import settings, EVERY\nimport os\napp = Celery('a')\n"
CONFIG = """
import os
from dataclasses import dataclass, field
from pydantic import BaseSettings, Field

EVERY = 60 * 10

class Settings(BaseSettings):
    plain: int = 30
    with_field: float = Field(45.0, env="WITH_FIELD")
    bare: float = Field(..., env="BARE")

    @property
    def made(self) -> float:
        return 30 if self.plain else 600

settings = Settings()
"""


def read(folder: Path, text: str, config: str = CONFIG) -> dict[str, Entry]:
    texts = {"app/core/celery_app.py": HEAD + dedent(text), "app/core/tasks.py": TASKS, "app/core/config.py": config}
    texts |= {"app/__init__.py": "", "app/core/__init__.py": ""}
    return {one.name: one for one in entries(load(written(folder, FILE)), codebase.read_texts(texts))}


INTERVALS = {
    "30": 30.0,
    "0.5": 0.5,
    "60 * 2": 120.0,
    "timedelta(minutes=10)": 600.0,
    "timedelta(0, 30)": 30.0,
    "timedelta(seconds=EVERY)": 600.0,
    "EVERY / 2": 300.0,
    "schedule(run_every=timedelta(hours=1))": 3600.0,
    "schedule(7)": 7.0,
    "settings.plain": 30.0,
    "settings.with_field": 45.0,
    "timedelta(seconds=settings.plain)": 30.0,
    "float(os.environ.get('SYNC_SECONDS', '30'))": 30.0,
    "int(os.getenv('SYNC_SECONDS', 600))": 600.0,
}


@pytest.mark.parametrize("written_as", INTERVALS)
def test_an_interval_is_told_however_it_is_written(written_as: str, tmp_path: Path) -> None:
    one = read(tmp_path, f"app.conf.beat_schedule = {{'sync': {{'task': 'a', 'schedule': {written_as}}}}}")["sync"]
    assert (one.seconds, one.crontab, one.task) == (INTERVALS[written_as], None, "a")
    assert one.where.startswith("app/core/celery_app.py:8")
    assert ("the default of" in one.where) is ("settings" in written_as or "env" in written_as)


GIVEN = """
import os
from dataclasses import dataclass
from functools import cache

SECONDS = {"development": 30.0, "production": 600.0}

@dataclass(frozen=True)
class Settings:
    environment: str
    plain: float
    several: float

@cache
def get_settings() -> Settings:
    environment = os.environ.get("HERE", "development")
    usual = SECONDS.get(environment, SECONDS["production"])
    return Settings(environment=environment, plain=float(os.environ.get("EVERY") or usual), several=1)

def others():
    return Settings(several=2)

EVERY = 1
settings = get_settings()
"""


def test_what_a_setting_is_given_where_it_is_made_is_followed(tmp_path: Path) -> None:
    for name, seconds in [("plain", 30.0), ("several", None), ("none", None)]:
        text = f"app.conf.beat_schedule = {{'sync': {{'task': 'a', 'schedule': settings.{name}}}}}"
        one = read(tmp_path, text, GIVEN)["sync"]
        assert one.seconds == seconds, one
        taken = ", ".join(f"the default of {name}" for name in ("EVERY", "HERE", "settings.plain"))
        assert seconds is None or one.where.endswith(f"({taken})"), one.where


CRONTABS = {
    "crontab()": "* * * * *",
    "crontab(minute='*/10')": "*/10 * * * *",
    "crontab(0, 4)": "0 4 * * *",
    "crontab(minute=[0, 30], hour='8-17', day_of_week='mon,fri')": "0,30 8-17 * * mon,fri",
}


@pytest.mark.parametrize("written_as", CRONTABS)
def test_a_crontab_is_told_with_the_zone_that_the_code_sets(written_as: str, tmp_path: Path) -> None:
    planned = f"{{'sync': {{'task': 'a', 'schedule': {written_as}}}}}"
    text = f"app.conf.update(timezone='Europe/Berlin', beat_schedule={planned})"
    one = read(tmp_path, text)["sync"]
    assert (one.seconds, one.crontab, one.zone) == (None, CRONTABS[written_as], "Europe/Berlin")


UNTOLD = {
    "settings.made": "a function",
    "settings.bare": "a setting without a default",
    "settings.nowhere": "nowhere",
    "crontab(0, 4, 1)": "a crontab that is not followed",
    "interval()": "only running tells",
    "os.environ['SYNC_SECONDS']": "os.environ",
    "30 if settings.made else 600": "IfExp is not folded",
}


@pytest.mark.parametrize("written_as", UNTOLD)
def test_what_only_running_tells_is_never_guessed(written_as: str, tmp_path: Path) -> None:
    one = read(tmp_path, f"app.conf.beat_schedule = {{'sync': {{'task': 'a', 'schedule': {written_as}}}}}")["sync"]
    assert one.seconds is None and one.crontab is None
    assert UNTOLD[written_as] in one.where and ".py:" in one.where, one.where


PLACES = {
    "an attribute": "app.conf.beat_schedule = {'sync': {'task': 'a', 'schedule': 30}}",
    "a keyword": "app.conf.update(beat_schedule={'sync': {'task': 'a', 'schedule': 30}})",
    "a key": "app.conf.update({'beat_schedule': {'sync': {'task': 'a', 'schedule': 30}}})",
    "an item": "app.conf.beat_schedule['sync'] = {'task': 'a', 'schedule': 30}",
    "an update": "app.conf.beat_schedule.update({'sync': {'task': 'a', 'schedule': 30}})",
    "a name": "PLAN = {'sync': {'task': 'a', 'schedule': 30}}\napp.conf.beat_schedule = PLAN",
    "a name with an item": "PLAN = {}\nPLAN['sync'] = {'task': 'a', 'schedule': 30}\napp.conf.beat_schedule = PLAN",
    "a setting of Django": "CELERY_BEAT_SCHEDULE = {'sync': {'task': 'a', 'schedule': 30}}",
    "words as keywords": "app.conf.beat_schedule = dict(sync=dict(task='a', schedule=30))",
    "two in one": "app.conf.beat_schedule = {**{'other': {}}, 'sync': {'task': 'a', 'schedule': 30}}",
    "a periodic task": (
        "@app.on_after_configure.connect\ndef add(sender, **more):\n"
        "    sender.add_periodic_task(30, app.signature('a'), name='sync')"
    ),
}


@pytest.mark.parametrize("place", PLACES)
def test_an_entry_is_found_wherever_it_is_given(place: str, tmp_path: Path) -> None:
    one = read(tmp_path, PLACES[place])["sync"]
    assert (one.seconds, one.task) == (30.0, "a")


@pytest.mark.parametrize(
    ("reference", "name"),
    [("tasks.sync.s()", "app.core.tasks.sync"), ("tasks.named.si()", "other.name"), ("tasks.sync", "")],
)
def test_a_task_that_is_named_by_its_function_has_its_name(reference: str, name: str, tmp_path: Path) -> None:
    assert read(tmp_path, f"app.add_periodic_task(10, {reference}, name='sync')")["sync"].task == name


def test_a_task_of_a_folder_that_lies_further_inside_has_the_declared_name(tmp_path: Path) -> None:
    texts = {"tasks.py": "@app.task\ndef sync():\n    pass\n"}
    texts["beat.py"] = "from tasks import sync\napp.conf.beat_schedule = {'sync': {'task': sync.name, 'schedule': 1}}"
    file = written(tmp_path, FILE)
    (one,) = entries(load(file), codebase.read_texts(texts))
    assert one.task == "app.core.tasks.sync"


REFUSED = {
    "nothing": ("", "sets no beat_schedule and adds no periodic task"),
    "made elsewhere": ("app.conf.beat_schedule = plan()", "celery_app.py:8: the schedule is made in a way that only"),
    "a name that is made": ("app.conf.beat_schedule = {plan(): {'schedule': 1}}", "the name of an entry"),
    "a file that is none": ("app.conf.beat_schedule = {", "does not parse"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_entry_that_may_be_where_nothing_could_be_read_is_never_called_absent(case: str, tmp_path: Path) -> None:
    text, words = REFUSED[case]
    with pytest.raises(ScheduleError) as raised:
        read(tmp_path, text)
    assert words in str(raised.value) and len(str(raised.value).splitlines()) == 1


def test_an_entry_that_is_absent_is_absent(tmp_path: Path) -> None:
    assert list(read(tmp_path, "app.conf.beat_schedule = {'other': {'task': 'a', 'schedule': 30}}")) == ["other"]
