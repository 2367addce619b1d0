"""Reads the schedule that begins the sync from where it stands: workers, code, django-celery-beat's tables or redbeat.

`celery inspect scheduled` is not asked: it lists tasks that were delayed, and no schedule.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dsaudit.background import intervals
from dsaudit.background.broker import Broker, connected
from dsaudit.database import Database, DatabaseError, QueryError

if TYPE_CHECKING:
    from dsaudit.codebase import Code
    from dsaudit.parameters import Parameters
    from dsaudit.parameters.schedule import Schedule

UNITS = {"microsecond": 1e-6, "second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0}
# As Celery writes them where its configuration is told: a crontab with what its fields are, and an interval.
CRONTAB = re.compile(r"<crontab: (.*) \((\w+(?:/\w+){4})\)>")
IN_WORDS = re.compile(r"(?:<freq: )?(\d+(?:\.\d+)?) (second|minute|hour|day)s?>?")
CLOCK = re.compile(r"(?:(\d+) days?, )?(\d+):(\d\d):(\d\d(?:\.\d+)?)")
ORDER = ("m", "h", "dM", "MY", "d")
OF_CRONTAB = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
ROUNDED = 0.01  # of an interval, which Celery tells with two digits of a minute or an hour
REDBEAT = "redbeat:"
TABLES = """
select t.name, t.task, i.every, i.period, to_jsonb(c) as crontab,
  t.enabled and coalesce((to_jsonb(t) ->> 'one_off')::boolean, false) is false
    and coalesce((to_jsonb(t) ->> 'expires')::timestamptz > now(), true)
    and coalesce((to_jsonb(t) ->> 'start_time')::timestamptz <= now(), true) as is_enabled
from {schema}.django_celery_beat_periodictask as t
left join {schema}.django_celery_beat_intervalschedule as i on i.id = t.interval_id
left join {schema}.django_celery_beat_crontabschedule as c on c.id = t.crontab_id
order by t.name
"""


class ScheduleError(Exception):
    """The schedule cannot be read where the file says that it stands; one readable line."""


@dataclass(frozen=True)
class Entry:
    """An entry of a schedule: which task it queues, and how often.

    It has `seconds` or a `crontab` (with the time `zone` that it is of, where it is known), or neither where the
    interval cannot be read; `where` says in which place it was read and, if so, why it could not be. One that is there
    and never fires, or once at most, is not `is_enabled`.
    """

    name: str
    task: str
    seconds: float | None
    crontab: str | None
    zone: str | None
    where: str
    is_enabled: bool = True


def entries(
    parameters: Parameters,
    code: Code | None = None,
    database: Database | None = None,
    broker: Broker | None = None,
) -> list[Entry]:
    """Return the entries of the schedule, read where `schedule.from` says, in the order of their names.

    What is not given is opened for it: the broker, the database. Workers and code may disagree, and give an entry
    several times then.

    Raises
    ------
    ScheduleError
        There is nothing to read, or an entry that is declared might be where it could not be read.
    BrokerError
        The broker does not answer.
    """
    section = parameters.schedule
    assert section is not None
    if section.from_ == "code":
        from dsaudit.background.coded import coded

        assert code is not None
        return coded(parameters, code)
    if section.from_ == "table":
        return _of_tables(parameters, database)
    with contextlib.nullcontext(broker) if broker else connected(parameters) as asked:
        return _of_workers(parameters, asked) if section.from_ == "worker" else _of_redbeat(asked)


def is_as_documented(entry: Entry, schedule: Schedule) -> bool | None:
    """Return whether an entry has the documented interval; None where it could not be read."""
    if entry.seconds is None and entry.crontab is None:
        return None
    if entry.crontab and schedule.crontab:
        is_declared = "zone" in schedule.model_fields_set
        by_the_hour = (intervals.pause(entry.crontab) or math.inf) <= UNITS["hour"]  # the same in every zone
        is_elsewhere = is_declared and entry.zone not in (None, schedule.zone) and not by_the_hour
        return intervals.same(entry.crontab, schedule.crontab) and not is_elsewhere
    there = entry.seconds or intervals.pause(entry.crontab or "")
    wanted = schedule.seconds or intervals.pause(schedule.crontab or "")
    return bool(there and wanted and abs(there - wanted) <= ROUNDED * wanted)


def _of_workers(parameters: Parameters, broker: Broker) -> list[Entry]:
    """Return what the workers of our application are configured with, those of others left out."""
    section, worker = parameters.schedule, parameters.worker
    assert section is not None and worker is not None
    confs, ours = broker.conf(), broker.ours()
    if not confs:
        raise ScheduleError("no worker answers, whose configuration would tell the schedule")
    found: dict[tuple[Any, ...], Entry] = {}
    is_read = False
    for name, conf in confs.items():
        planned = conf.get("beat_schedule") or {}
        if not isinstance(planned, dict):
            raise ScheduleError(f"the configuration of {name} tells no schedule that can be read")
        if name not in ours and not any(one.get("task") == worker.task for one in planned.values()):
            continue  # of another application
        is_read = True
        for entry, given in sorted(planned.items()):
            seconds, crontab, why = _told(given.get("schedule"))
            where = f"the configuration of {name}" + (f": {why}" if why else "")
            one = Entry(entry, str(given.get("task", "")), seconds, crontab, _zone(conf) if crontab else None, where)
            found.setdefault((one.name, one.task, one.seconds, one.crontab, one.zone), one)
    if not is_read:
        raise ScheduleError(f"no worker that answers knows {worker.task}: they belong to other applications")
    return sorted(found.values(), key=lambda one: one.name)


def _zone(conf: Mapping[str, Any]) -> str | None:
    given = conf.get("timezone")
    if not given:
        return "UTC" if conf.get("enable_utc", True) else None
    key = re.search(r"key='([^']+)'", str(given))
    return key[1] if key else str(given)


def _told(given: Any) -> tuple[float | None, str | None, str]:
    """Return seconds, or a crontab, as a worker tells them; or why neither can be read."""
    if isinstance(given, (int, float)) and not isinstance(given, bool):
        return float(given), None, ""
    text = str(given)
    if crontab := CRONTAB.fullmatch(text):
        fields = dict(zip(crontab[2].split("/"), intervals.fields_of(crontab[1]), strict=False))
        found = intervals.written([fields.get(name, "") for name in ORDER])
        return None, found, "" if found else f"the crontab {crontab[1]} cannot be read"
    if words := IN_WORDS.fullmatch(text):
        return float(words[1]) * UNITS[words[2]], None, ""
    if clock := CLOCK.fullmatch(text):
        days, hours, minutes, seconds = (float(part or 0) for part in clock.groups())
        return days * 86400 + hours * 3600 + minutes * 60 + seconds, None, ""
    return None, None, f"an interval of its own kind, {text[:80]}"


def _of_tables(parameters: Parameters, database: Database | None) -> list[Entry]:
    with contextlib.ExitStack() as held:
        try:
            if database is None:
                database = Database.open(parameters.database)
                held.callback(database.close)
            schemas = [schema for schema, table in database.catalogue() if table == "django_celery_beat_periodictask"]
            if len(schemas) != 1:
                what = "several schemas have" if schemas else "there is no"
                raise ScheduleError(f"{what} django_celery_beat_periodictask that the role can read (schedule.from)")
            schema = '"' + schemas[0].replace('"', '""') + '"'
            rows = database.query(TABLES.format(schema=schema), most=None).records
        except (DatabaseError, QueryError) as error:
            raise ScheduleError(f"django-celery-beat's tables cannot be read: {error}") from None
    return [_of_row(row) for row in rows]


def _of_row(row: Mapping[str, Any]) -> Entry:
    seconds = crontab = None
    zone = why = ""
    if row["every"] is not None:
        unit = UNITS.get(str(row["period"]).removesuffix("s"))
        seconds = float(row["every"]) * unit if unit else None
        why = "" if unit else f": a period of {row['period']} is not read"
    elif row["crontab"]:
        crontab = intervals.written([row["crontab"].get(name, "") for name in OF_CRONTAB])
        zone, why = row["crontab"].get("timezone", ""), "" if crontab else ": its crontab cannot be read"
    else:
        why = ": neither an interval nor a crontab"
    where = f"django_celery_beat_periodictask{why}"
    return Entry(row["name"], row["task"], seconds, crontab, zone or None, where, bool(row["is_enabled"]))


def _of_redbeat(broker: Broker) -> list[Entry]:
    return [*_read(broker.hashes(f"{REDBEAT}*", "definition"))]


def _read(definitions: Mapping[str, str]) -> Iterator[Entry]:
    for key, text in definitions.items():
        try:
            given = json.loads(text)
            planned = given["schedule"]
            kind = planned["__type__"]
            name, task = str(given.get("name") or key.removeprefix(REDBEAT)), str(given["task"])
            seconds = float(planned["every"]) if kind == "interval" else None
            crontab = intervals.written([planned[name] for name in OF_CRONTAB]) if kind == "crontab" else None
        except (ValueError, KeyError, TypeError, AttributeError):
            name = key.removeprefix(REDBEAT)
            yield Entry(name, "", None, None, None, f"{key} in the broker: its definition cannot be read")
            continue
        why = "" if seconds or crontab else f": an interval of the kind {kind} is not read"
        enabled = bool(given.get("enabled", True))
        yield Entry(name, task, seconds, crontab, None, f"{key} in the broker{why}", enabled)
