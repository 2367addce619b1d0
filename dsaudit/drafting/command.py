"""What `dsaudit init` does: drafts, writes the file, and says what to do next."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from dsaudit.database import Database
from dsaudit.drafting import Draft, Request, draft
from dsaudit.drafting.writing import written
from dsaudit.parameters import ParameterError, load, project_root
from dsaudit.parameters.database import Database as Settings
from dsaudit.parameters.section import NAME
from dsaudit.verdict.card import plural

SECONDS = 10.0  # that one question may take: what is slower than that is left open


class DraftError(Exception):
    """The draft cannot be made or written; the message says what to do."""


@dataclass(frozen=True)
class Given:
    """What the command line gives."""

    database_url: str | None
    database_url_env: str | None
    code: Path | None
    provider: str | None
    documents: Path | None
    integration: str | None
    target: Path | None
    force: bool
    blueprint: str | None = None


def init(given: Given) -> Iterator[str]:
    """Write the draft and yield what is said of it.

    Raises
    ------
    DraftError, ProviderError, DatabaseError, QueryError
        There is a file already, a name is none, or the database does not answer.
    """
    name = given.integration or (given.target or Path(given.provider or "system")).stem
    if not re.fullmatch(NAME, name):
        raise DraftError(f"--integration {name}: small letters, digits, - and _ make a name, a letter first")
    target = given.target or project_root() / "parameters" / f"{name}.yml"
    if target.exists() and not given.force:
        raise DraftError(f"{_shown(target)} is there already; give another name with --to, or --force to write over it")
    url_env = given.database_url_env or f"{re.sub('[^A-Z0-9]+', '_', name.upper())}_AUDIT_URL"
    if given.database_url:
        os.environ[url_env] = given.database_url
    root = target.resolve().parent.parent
    made = _drafted(Request(name, url_env, root, given.provider, given.code, given.documents, given.blueprint))
    _write(target, written(made), given.force)
    yield from _told(made, target, url_env, is_new=bool(given.database_url))


def _drafted(request: Request) -> Draft:
    settings = Settings(url_env=request.url_env, snapshot_age=300, statement_timeout=SECONDS)
    database = Database.open(settings, name="dsaudit/init")
    try:
        with database.held_snapshot() as snapshot:
            database.snapshot = snapshot
            return draft(request, database)
    finally:
        database.close()


def _write(target: Path, text: str, force: bool) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Another may have made the file since we looked.
        with target.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise DraftError(f"{_shown(target)}: cannot be written: {error.strerror}") from None


def _told(made: Draft, target: Path, url_env: str, is_new: bool) -> Iterator[str]:
    certain, guessed, left = made.counts()
    resources = len({path[1] for path in made.entries if path[0] == "resources"})
    keys = f"{plural(certain + guessed, 'key')}: {certain} certain, {guessed} guessed; {left} to fill"
    yield f"{_shown(target)}: {plural(resources, 'resource')}, {keys}"
    yield from _problems(target)
    yield "It names these environment variables:"
    for name, what in made.variables.items():
        value = f"'{_masked(os.environ[name])}'" if name == url_env else "…"
        known = ", set already" if name in os.environ and (name != url_env or not is_new) else ""
        yield f"  export {name}={value}  # {what}{known}"
    yield f"Look at what is marked guess and to fill; then: dsaudit check {_shown(target)}"


def _problems(target: Path) -> Iterator[str]:
    """Yield what dsaudit does not accept of the file yet: what is left open may be something it cannot be without."""
    try:
        load(target)
    except ParameterError as error:
        yield from (f"to correct: {line}" for line in str(error).splitlines())


def _masked(url: str) -> str:
    """Return a URL with *** for its password, wherever in it that may stand."""
    try:
        given = make_url(url)
    except (ArgumentError, ValueError):
        return "***"
    query = {key: "***" if "password" in key.lower() else value for key, value in given.query.items()}
    return given.set(query=query).render_as_string(hide_password=True)


def _shown(path: Path) -> str:
    return os.path.relpath(path) if path.resolve().is_relative_to(Path.cwd()) else os.fspath(path)
