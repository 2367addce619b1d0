"""A sync that a schedule starts is drafted from its history and its code, and nothing of it where there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest
import yaml
from click.testing import CliRunner

from dsaudit import server
from dsaudit.cli import main
from dsaudit.drafting import Draft
from dsaudit.drafting.writing import written
from dsaudit.parameters import load
from tests.drafting import schemas

BACKEND = Path(__file__).parents[2] / "examples" / "referrals" / "backend"
REFERRALS = (BACKEND / "migrations" / "0001_partner_center_referrals.sql").read_text(encoding="utf-8")
CONTACTS = """
create table crm_contacts (id bigserial primary key, contact_id text not null unique, name text, synced_at timestamptz);
create table crm_sync_runs (
  id bigserial primary key, kind text not null, celery_task_id uuid, status text not null, started_at timestamptz,
  finished_at timestamptz, created_count int, failed_count int, total int, error text);
insert into crm_sync_runs (kind, status)
select 'contacts', unnest('{SUCCESS,in_progress,in_progress,failed,paused}'::text[]);
"""
APP = """
from celery import Celery
from celery.schedules import crontab
from fastapi import APIRouter, FastAPI
from pydantic_settings import BaseSettings

class Settings(BaseSettings):
    crm_contacts_enabled: bool = False
    newsletter_enabled: bool = True

celery = Celery("crm", broker="memory://", timezone="Europe/Berlin")
router = APIRouter(prefix="/api/v1")
app = FastAPI()

@celery.task
def sync_contacts(full=False):
    pass

@celery.task(name="mail.sync_subscribers")
def sync_subscribers():
    pass

@celery.task
def purge():
    pass

@celery.on_after_configure.connect
def plan(sender, **_):
    sender.add_periodic_task(EVERY, sync_contacts.s(), name="contacts")
    sender.add_periodic_task(60.0, sync_subscribers.s(), name="aaa-subscribers")
    sender.add_periodic_task(3600.0, purge.s(), name="contacts-purge")

@router.post("/purge")
def start_purge():
    purge.delay()

@router.post("/contacts/{contact}/sync")
def sync_one(contact):
    sync_contacts.delay()

@router.put("/contacts/sync")
async def start(full: bool = False):
    return {"task_id": sync_contacts.apply_async(kwargs={"full": full}).id}

@app.get("/health-check")
def health():
    return {}
"""
Make = Callable[..., Draft]


@pytest.fixture
def make(postgres: server.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Draft a database, with the code given as the text of one module or as a folder; the file is loaded."""

    def drafted(statements: str, code: str | Path) -> Draft:
        folder = tmp_path / "code" if isinstance(code, str) else code
        if isinstance(code, str):
            folder.mkdir(exist_ok=True)
            (folder / "app.py").write_text(dedent(code), encoding="utf-8")
        with schemas.built(postgres.url, statements) as url:
            monkeypatch.setenv("CRM_AUDIT_URL", url)
            made = schemas.drafted("CRM_AUDIT_URL", tmp_path, code=folder)
        file = tmp_path / "parameters" / "crm.yml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(written(made), encoding="utf-8")
        load(file)
        assert yaml.safe_load(file.read_text(encoding="utf-8")) == made.values()
        return made

    yield drafted


def asked(made: Draft, path: str) -> str:
    return " ".join(words for at, words in (*made.open, *made.notes) if at == tuple(path.split(".")))


def test_the_referrals_are_drafted_as_they_were_written_by_hand(make: Make) -> None:
    made = make(REFERRALS, BACKEND).values()
    by_hand = yaml.safe_load((BACKEND.parents[2] / "parameters" / "referrals.yml").read_text(encoding="utf-8"))
    assert made["blueprints"] == ["datasource", "background_sync"]
    assert made["syncs"] == {name: by_hand["syncs"][name] for name in ("table", "columns")}
    assert made["worker"] == {"broker_env": "HUNTER_BROKER_URL", "task": by_hand["worker"]["task"]}
    assert made["schedule"] == {"entry": by_hand["schedule"]["entry"], "seconds": 30, "from": "code"}
    sync = {"method": "POST", "path": "api/referrals/sync"}
    assert made["api"] == {"url_env": "CRM_APP_URL", "health": "healthz", "sync": sync}
    (resource,) = made["resources"].values()
    assert resource["sync"] == by_hand["resources"]["referral"]["sync"]
    assert not {"ready", "flag", "outage", "bad_record"} & set(made), "a view is no ready view by its columns"


def test_what_is_guessed_of_a_background_sync_is_marked(make: Make) -> None:
    made = make(REFERRALS, BACKEND)
    certain = {".".join(path) for path, entry in made.entries.items() if entry.guess is None}
    sections = ("syncs", "api", "worker", "schedule")
    assert {path for path in certain if path.startswith(sections)} == {
        *("syncs.table", "worker.task", "schedule.entry", "schedule.from")
    }
    assert "HUNTER_REFERRAL_SYNC_SECONDS" in str(made.entries["schedule", "seconds"].guess)
    assert "{name: HUNTER_PARTNER_CENTER_ENABLED}" in asked(made, "flag")
    assert made.variables["HUNTER_BROKER_URL"] and made.variables["CRM_APP_URL"]


def test_the_entry_of_the_resource_is_taken_and_the_others_are_named(make: Make) -> None:
    made = make(CONTACTS, APP.replace("EVERY", "crontab(minute='*/10', hour='8-17')"))
    values = made.values()
    assert values["schedule"] == {
        **{"entry": "contacts", "crontab": "*/10 8-17 * * *", "zone": "Europe/Berlin", "from": "code"}
    }
    assert values["worker"] == {"broker_env": "CRM_BROKER", "task": "app.sync_contacts"}
    assert made.entries["worker", "task"].guess and made.entries["schedule", "entry"].guess
    others = asked(made, "schedule")
    assert "aaa-subscribers (mail.sync_subscribers)" in others and "contacts-purge (app.purge)" in others
    assert values["resources"]["crm_contact"]["sync"] == "sync_contacts"


def test_a_route_that_queues_the_task_is_the_request_for_a_sync(make: Make) -> None:
    made = make(CONTACTS, APP.replace("EVERY", "600"))
    assert made.value("api.sync") == {"method": "PUT", "path": "api/v1/contacts/sync"}
    assert made.value("api.health") == "health-check"
    assert "CRM_CONTACTS_ENABLED" in asked(made, "flag") and "NEWSLETTER" not in asked(made, "flag")


def test_words_of_a_runs_state_are_sorted_out_and_one_that_fits_nothing_is_left_open(make: Make) -> None:
    made = make(CONTACTS, "")
    syncs = made.values()["syncs"]
    assert syncs["columns"]["task_id"] == "celery_task_id" and syncs["columns"]["state"] == "status"
    assert (syncs["columns"]["added"], syncs["columns"]["failed"]) == ("created_count", "failed_count")
    assert syncs["columns"]["fetched"] == "total", "a count of its own is no count of all"
    assert syncs["states"] == {"success": ["SUCCESS"], "running": ["in_progress"]}, "failed is called so already"
    assert "paused means" in asked(made, "syncs")
    assert made.value("resources.crm_contact.raw") == "contacts", "the history calls it so"


def test_without_a_schedule_nothing_of_a_background_sync_is_drafted(make: Make) -> None:
    made = make(CONTACTS, APP.replace("sender.add_periodic_task", "print"))
    assert made.value("blueprints") == ["datasource"]
    assert not {"api", "worker", "schedule"} & set(made.values()) and not asked(made, "flag")


def test_a_schedule_of_other_things_is_left_out_and_said(make: Make) -> None:
    made = make(CONTACTS, APP.replace("sync_contacts", "greet").replace("sync_subscribers", "remind"))
    assert made.value("blueprints") == ["datasource"] and made.value("schedule.entry") is None
    assert "called like a sync" in asked(made, "schedule") and "app.purge" in asked(made, "schedule")


def test_an_interval_that_only_running_tells_is_left_open(make: Make) -> None:
    made = make(CONTACTS, APP.replace("EVERY", "interval_of_today()"))
    assert made.value("schedule.entry") is None and made.value("worker.task") == "app.sync_contacts"
    assert "seconds or a crontab of the entry contacts; app.py:" in asked(made, "schedule")


def test_a_history_that_tells_nothing_but_who_began_a_run_keeps_its_draft(make: Make) -> None:
    table = CONTACTS.partition("create table crm_sync_runs")[0]
    table += (
        "create table crm_sync_runs (id int, kind text, trigger text, started_at timestamptz, ended_at timestamptz);"
    )
    assert "trigger" not in make(table, "").values()["syncs"]["columns"]


def test_check_says_which_blueprints_a_run_may_take(make: Make, tmp_path: Path) -> None:
    make(CONTACTS, APP.replace("EVERY", "600"))
    said = CliRunner().invoke(main, ["check", str(tmp_path / "parameters" / "crm.yml")]).output
    assert "blueprints: a run takes one: --blueprint datasource or background_sync" in said
    assert "background_sync: " in said and "Traceback" not in said
