"""Speaks to the project's own Python, in which Alembic runs: one process for one scratch database."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from dsaudit import handoff
from dsaudit.parameters import Parameters
from dsaudit.parameters.migrations import Migrations
from dsaudit.parameters.secret import hidden

SCRIPT = Path(__file__).with_name("inside.py")
LONGEST = 900.0  # seconds of one answer
LAST_BYTES = 4000  # of what the project has printed
PLAIN, OURS = "postgresql", "postgresql+psycopg"
# A module that is not there, or a value that is None, may be for want of a package or of a variable of the environment.
SLIPS = {"SyntaxError", "IndentationError", "TabError", "NameError", "UnboundLocalError", "ImportError"}
Answer = dict[str, Any]


class ProjectError(Exception):
    """The Alembic project cannot be run; the message is one line for the user, without secrets."""


class RevisionError(ProjectError):
    """A revision ended with an error; `told` has its words, SQLSTATE, table, column and where in the project."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        super().__init__(words_of(told))
        self.told = dict(told)

    @property
    def is_of_database(self) -> bool:
        """Whether PostgreSQL refused it, and not the revision itself."""
        return bool(self.told.get("sqlstate"))

    @property
    def is_slip(self) -> bool:
        """Whether the project's own text is broken, on whatever machine it is."""
        file = str(self.told.get("file") or "..")
        return self.told.get("kind") in SLIPS and not file.startswith(("..", "<")) and "-packages/" not in file

    @property
    def is_refusal(self) -> bool:
        """Whether the revision itself raises NotImplementedError; any other error may be a slip."""
        return bool(self.told.get("refuses"))


class Project:
    """A running project; `ask` puts one question to it."""

    def __init__(self, process: subprocess.Popen[bytes], printed: IO[bytes], settings: Migrations) -> None:
        self._process = process
        self._printed = printed
        self._settings = settings
        self._rest = b""

    def ask(self, do: str, **given: Any) -> Answer:
        """Return the answer to one question; see `dsaudit.migrating.inside.Project`.

        Raises
        ------
        ProjectError
            It ended, or did not answer in time; `RevisionError` where it tells what went wrong itself.
        """
        assert self._process.stdin
        try:
            self._process.stdin.write(json.dumps({"do": do, **given}).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise ProjectError(self._ended()) from None
        answer: Answer = json.loads(self._line())
        if "error" in answer:
            raise RevisionError(answer["error"])
        return answer

    def _line(self) -> bytes:
        assert self._process.stdout
        source = self._process.stdout.fileno()
        while b"\n" not in self._rest:
            if not select.select([source], [], [], LONGEST)[0]:
                raise ProjectError(f"{self._settings.config}: it was ended after {LONGEST:.0f} seconds without an end")
            more = os.read(source, 1 << 16)
            if not more:
                raise ProjectError(self._ended())
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _ended(self) -> str:
        self._process.wait()
        self._printed.seek(max(self._printed.seek(0, os.SEEK_END) - LAST_BYTES, 0))
        lines = self._printed.read().decode(errors="replace").strip().splitlines()
        said = f": {hidden(lines[-1])}" if lines else ""
        return f"the project's Python ended with {self._process.returncode}{said}"


def settings_of(parameters: Parameters) -> Migrations:
    """Return the section; a check that is run has it."""
    assert parameters.migrations is not None
    return parameters.migrations


@contextmanager
def running(parameters: Parameters, url: str, audited: str) -> Iterator[Project]:
    """Start the project's Python on one scratch database, and end it afterwards.

    Parameters
    ----------
    url
        Of the scratch database.
    audited
        The audited database's own URL: whatever variable has it gets the scratch database's in its place.

    Raises
    ------
    ProjectError
        It cannot be started, lacks Alembic, or its configuration cannot be read.
    """
    settings = settings_of(parameters)
    config = parameters.folder(settings.config).absolute()
    if not config.is_file():
        raise ProjectError(f"migrations.config: there is no file {settings.config}")
    python = str(_program(parameters, settings))
    scheme = _scheme(settings, config)
    given = urlsplit(url)._replace(scheme=scheme).geturl()
    with tempfile.TemporaryFile() as printed:
        try:
            process = subprocess.Popen(
                [python, str(SCRIPT)],
                cwd=config.parent,
                env=_environment(parameters, settings, given, audited),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=printed,
                start_new_session=True,
            )
        except OSError as error:
            raise ProjectError(f"migrations.python: {settings.python} cannot be started: {error.strerror}") from None
        try:
            project = Project(process, printed, settings)
            try:
                project.ask("open", config=str(config), url=given, database=urlsplit(url).path[1:])
            except RevisionError as error:
                raise ProjectError(_about_opening(settings, error)) from None
            yield project
        finally:
            _end(process)


def words_of(told: Mapping[str, Any]) -> str:
    """Return an error that the project told in one readable line."""
    words, where = hidden(str(told.get("words") or "")), told.get("where")
    kind = str(told.get("kind"))
    if kind == "variable":
        words = f"it needs the environment variable {words}"
    elif kind in ("ModuleNotFoundError", "ImportError", "Refused") or told.get("sqlstate"):
        words = words[:1].lower() + words[1:] if kind == "Refused" else words
    else:
        words = f"{kind}: {words}" if words else kind
    return f"{words} ({where})" if where else words


def _about_opening(settings: Migrations, error: RevisionError) -> str:
    missing = str(error.told.get("words"))
    if error.told.get("kind") == "ModuleNotFoundError" and ("'alembic'" in missing or "'sqlalchemy'" in missing):
        which = settings.python or "the Python that runs dsaudit"
        return f"migrations.python: {which} has no Alembic; name the one that runs the project's migrations"
    return f"migrations.config: {settings.config}: {error}"


def _program(parameters: Parameters, settings: Migrations) -> Path:
    if settings.python is None:
        return Path(sys.executable)
    # A link into a virtual environment is not followed: it would lead out of it.
    found = parameters.folder(settings.python)
    return found.absolute() if found.exists() or "/" in settings.python else Path(settings.python)


def _scheme(settings: Migrations, config: Path) -> str:
    """Return the driver that the project is used to: of its variable, or else of its configuration."""
    text = os.environ.get(settings.url_env, "") if settings.url_env else config.read_text(errors="replace")
    marks = [text] if settings.url_env else [line.partition("=")[2] for line in text.splitlines() if _is_url(line)]
    scheme = marks[-1].strip().strip("\"'").partition("://")[0] if marks else ""
    if scheme.startswith("postgres"):
        return scheme
    return PLAIN if settings.url_env else OURS


def _is_url(line: str) -> bool:
    return line.strip().startswith("sqlalchemy.url")


def _environment(parameters: Parameters, settings: Migrations, url: str, audited: str) -> dict[str, str]:
    """Return the variables that the project sees: none of them leads to the audited database."""
    mine = {name: value for name, value in os.environ.items() if name != handoff.VARIABLE}
    there = _place(audited)
    own = {name for name, value in mine.items() if "://" in value and _place(value) == there}
    named = {parameters.database.url_env, *([settings.url_env] if settings.url_env else [])}
    mine |= dict.fromkeys((own | named), url)
    mine["PYTHONDONTWRITEBYTECODE"] = "1"  # the project's folder is left as it is
    mine |= {name: "" for name in ("PGHOST", "PGHOSTADDR", "PGPORT", "PGSERVICE", "PGDATABASE") if name in mine}
    return mine


def _place(url: str) -> tuple[str | None, int, str] | None:
    with contextlib.suppress(ValueError):
        parts = urlsplit(url)
        return parts.hostname, parts.port or 5432, parts.path
    return None


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the project's Python with all that it started."""
    assert process.stdin and process.stdout
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    try:
        process.wait(2)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    process.stdout.close()
