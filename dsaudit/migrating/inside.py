"""Runs inside the project's own Python: tells its revisions, runs one of them, and tells its models.

Started by `dsaudit.migrating.project` and never imported. Questions and answers are lines of JSON; whatever the project
prints goes to stderr. It needs Alembic and SQLAlchemy, and nothing of dsaudit.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    Asked = dict[str, Any]  # the project's Python may be one that cannot read this

BLOCKING = """
select l.relation::bigint, l.mode from pg_catalog.pg_locks as l
where l.pid = pg_catalog.pg_backend_pid() and l.locktype = 'relation' and l.granted
  and l.mode in ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
  and l.database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
"""
WORK = """
select relid::bigint, coalesce(seq_tup_read, 0), n_tup_upd + n_tup_del from pg_catalog.pg_stat_xact_user_tables
where coalesce(seq_tup_read, 0) + n_tup_upd + n_tup_del > 0
"""


class Refused(Exception):
    """The project does something that must not be done; the message is for the user."""


class Watch:
    """What the statements of one revision locked and read; the time of looking is not counted."""

    def __init__(self) -> None:
        self.on = False
        self.reset()

    def reset(self) -> None:
        """Forget what was seen."""
        self.looking = 0.0
        self.statements: list[str] = []
        self.taken: dict[Any, float] = {}
        self.held: list[dict[str, Any]] = []
        self.read: dict[int, list[int]] = {}
        self.begun = self.now()

    def now(self) -> float:
        """Return the time without that of looking."""
        return time.perf_counter() - self.looking

    def before(self, connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        """Note when a statement begins."""
        self.begun = self.now()

    def after(self, connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        """Look at what a statement has locked and read."""
        self.statements.append(statement[:20000])
        if not self.on or statement.lstrip()[:6].lower() == "select" or "alembic_version" in statement:
            return
        started = time.perf_counter()
        raw = connection.connection.cursor()
        try:
            raw.execute(BLOCKING)
            for relation, mode in raw.fetchall():
                self.taken.setdefault((relation, mode), self.begun)
            raw.execute(WORK)
            for relation, read, changed in raw.fetchall():
                self.read[relation] = [int(read), int(changed)]
                if changed:
                    self.taken.setdefault((relation, "rows"), self.begun)
        finally:
            raw.close()
            self.looking += time.perf_counter() - started

    def ended(self, connection: Any) -> None:
        """Note how long what the transaction locked was held."""
        until = self.now()
        for (relation, mode), since in self.taken.items():
            self.held.append({"relation": relation, "mode": mode, "seconds": until - since})
        self.taken = {}


class Project:
    """The Alembic project of one ini file, on one database."""

    def __init__(self, asked: Asked) -> None:
        from alembic.config import Config
        from alembic.script import ScriptDirectory
        from sqlalchemy import event
        from sqlalchemy.engine import Engine
        from sqlalchemy.pool import Pool

        self.database = asked["database"]
        is_toml = asked["config"].endswith(".toml")
        # What Alembic itself prints is no answer either.
        given = {"toml_file": asked["config"]} if is_toml else {"file_": asked["config"]}
        self.config: Any = Config(stdout=sys.stderr, **given)
        self.config.set_main_option("sqlalchemy.url", asked["url"].replace("%", "%%"))
        self.script: Any = ScriptDirectory.from_config(self.config)
        self.watch = Watch()
        self.engines: list[Any] = []
        self.at, self.ran = "", False
        event.listen(Pool, "connect", self._refuse_other_databases)
        event.listen(Engine, "engine_connect", lambda connection, *_: self.engines.append(connection.engine))
        event.listen(Engine, "before_cursor_execute", self.watch.before)
        event.listen(Engine, "after_cursor_execute", self.watch.after)
        event.listen(Engine, "commit", self.watch.ended)
        event.listen(Engine, "rollback", self.watch.ended)

    def _refuse_other_databases(self, connection: Any, record: Any) -> None:
        """Look at each new connection before the project has it: nothing but the scratch database is migrated."""
        cursor = connection.cursor()
        cursor.execute("select current_database()")
        name = cursor.fetchone()[0]
        cursor.close()
        connection.rollback()
        if name != self.database:
            raise Refused(f"it connects to the database {name}, and not to the one that it was given")

    def graph(self, asked: Asked) -> Asked:
        """Tell the revisions, the first first."""
        revisions = [
            {
                "revision": one.revision,
                "follows": _listed(one.down_revision),
                "needs": _listed(one.dependencies),
                "title": (one.doc or "").strip().split("\n")[0],
                "file": os.path.relpath(one.path),
            }
            for one in reversed(list(self.script.walk_revisions()))
        ]
        return {"revisions": revisions, "heads": sorted(self.script.get_heads())}

    def look(self, asked: Asked) -> Asked:
        """Run env.py without a revision: it has to connect, and tells where its versions are kept."""
        found: Asked = {}

        def nothing(heads: Any, context: Any) -> list[Any]:
            found.update(table=context.version_table, schema=context.version_table_schema)
            return []

        self._run(nothing, dont_mutate=True)
        return found

    def migrate(self, asked: Asked) -> Asked:
        """Run the revisions named, in this order, up or down."""
        from alembic.runtime.migration import MigrationStep

        is_up = asked["do"] == "up"
        make = MigrationStep.upgrade_from_script if is_up else MigrationStep.downgrade_from_script

        def steps(heads: Any, context: Any) -> Iterator[Any]:
            for name in asked["revisions"]:
                self.at = name
                yield make(self.script.revision_map, self.script.get_revision(name))

        self.watch.reset()
        self.watch.on = bool(asked.get("watched"))
        started = self.watch.now()
        try:
            self._run(steps)
        finally:
            self.watch.on = False
        seconds = self.watch.now() - started
        return {
            "seconds": seconds,
            "statements": self.watch.statements,
            "held": self.watch.held,
            "read": self.watch.read,
        }

    def models(self, asked: Asked) -> Asked:
        """Tell the models' columns and indexes, and in what the database differs from them."""
        from alembic.autogenerate import compare_metadata

        found: Asked = {"tables": None}

        def compare(heads: Any, context: Any) -> list[Any]:
            given = context.opts.get("target_metadata")
            several = list(given) if isinstance(given, (list, tuple)) else [given] if given is not None else []
            if several:
                found["tables"] = [_table(table, context) for one in several for table in one.sorted_tables]
                if not callable(context._user_compare_server_default):
                    context._user_compare_server_default = True
                    context.impl.compare_server_default = _comparing_defaults(context)
                found["differences"] = list(_flat(compare_metadata(context, given)))
            return []

        self._run(compare, dont_mutate=True)
        return found

    def _run(self, steps: Callable[[Any, Any], Any], **options: Any) -> None:
        from alembic.runtime.environment import EnvironmentContext

        self.at, self.ran = "", False

        def run(heads: Any, context: Any) -> Any:
            self.ran = True
            return steps(heads, context)

        try:
            with EnvironmentContext(self.config, self.script, fn=run, as_sql=False, **options):
                self.script.run_env()
        finally:
            for engine in self.engines:
                with contextlib.suppress(BaseException):  # one of asyncio's cannot be ended from here
                    engine.dispose()
            self.engines.clear()
        if not self.ran:
            raise Refused("env.py ran no migration")


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())


def _table(table: Any, context: Any) -> Asked:
    dialect = context.dialect
    compiler = dialect.ddl_compiler(dialect, None)

    def of(column: Any) -> Asked:
        try:
            default = compiler.get_column_default_string(column)
        except Exception:  # a default that only another dialect can write
            default = None
        return {"name": column.name, "default": default, "nullable": bool(column.nullable)}

    def name_of(index: Any) -> str:
        return str(dialect.identifier_preparer.format_index(index)).strip('"') if index.name else ""

    # Those that stand alone and are meant for every database; Alembic compares none.
    kept = [one for one in table.constraints if type(one).__name__ == "CheckConstraint" and one.name]
    kept = [one for one in kept if not (getattr(one, "_type_bound", False) or getattr(one, "_ddl_if", None))]
    checks = [dialect.identifier_preparer.format_constraint(one) for one in kept]
    return {
        "schema": table.schema or dialect.default_schema_name or "public",
        "name": table.name,
        "columns": [of(column) for column in table.columns],
        "checks": [str(name).strip('"') for name in checks if name],
        "indexes": [name for name in map(name_of, table.indexes) if name],
    }


def _comparing_defaults(context: Any) -> Callable[[Any, Any, Any, Any], bool]:
    """Return what tells whether two defaults differ, by what PostgreSQL makes of both; Alembic fails on some types."""
    from sqlalchemy import text

    def differ(inspected: Any, column: Any, given: Any, there: Any) -> bool:
        if column.primary_key and column is column.table._autoincrement_column:
            return False
        argument = getattr(column.server_default, "arg", None)
        if isinstance(argument, str):
            doubled = argument.replace("'", "''")
            given = f"'{doubled}'"
        if there is None or given is None or _plain(there) == _plain(given):
            return (there is None) != (given is None)
        kind = inspected.type.compile(dialect=context.dialect)
        try:
            with context.connection.begin_nested():
                same = f"select cast({there} as {kind})::text = cast({given} as {kind})::text"
                return context.connection.execute(text(same.replace(":", "\\:"))).scalar() is False
        except Exception:
            return True

    return differ


def _plain(default: str) -> str:
    bare = "".join(default.lower().split())
    while bare.startswith("(") and bare.endswith(")"):
        bare = bare[1:-1]
    return bare.split("::")[0].strip("'")


def _flat(differences: Any) -> Iterator[Asked]:
    for one in differences:
        yield from _flat(one) if isinstance(one, list) else [_told_difference(one)]


def _told_difference(one: Any) -> Asked:
    kind, subject = one[0], one[1]
    if len(one) > 3:  # of a column: schema, table, and the column or its name
        where = f"{one[1]}.{one[2]}" if one[1] else one[2]
        both = {"there": _word(one[5]), "models": _word(one[6])} if len(one) > 6 else {}
        return {"what": kind, "table": where, "name": getattr(one[3], "name", one[3]), **both}
    if kind in ("add_table", "remove_table"):
        return {"what": kind, "table": str(subject.fullname), "name": None}
    table = getattr(subject, "table", None)
    columns = [getattr(column, "name", str(column)) for column in getattr(subject, "columns", ())]
    name = getattr(subject, "name", None) or ", ".join(columns)
    return {"what": kind, "table": getattr(table, "fullname", None), "name": name and str(name)}


def _word(value: Any) -> Any:
    argument = getattr(value, "arg", value)
    return argument if argument is None or isinstance(argument, bool) else str(argument)


def told(error: BaseException, at: str) -> Asked:
    """Tell an error in one line: what, and where in the project."""
    original = getattr(error, "orig", None) or error
    inner: Any = original
    while getattr(inner, "sqlstate", getattr(inner, "pgcode", None)) is None and inner.__cause__ is not None:
        inner = inner.__cause__
    state = getattr(inner, "sqlstate", None) or getattr(inner, "pgcode", None)
    said = getattr(inner, "diag", None) or inner
    lines = [line.strip() for line in str(inner if state else original).splitlines() if line.strip()]
    frames = traceback.extract_tb(error.__traceback__)
    folder = f"{Path.cwd()}{os.sep}"
    own = [one for one in frames if one.filename.startswith(folder) and "site-packages" not in one.filename]
    last = frames[-1].filename if frames else ""
    is_variable = isinstance(error, KeyError) and (last == "<frozen os>" or last.endswith(f"{os.sep}os.py"))
    return {
        "kind": "variable" if is_variable else type(original).__name__,
        "words": str(error.args[0]) if is_variable else lines[0] if state and lines else " ".join(lines[:4]),
        "where": f"{os.path.relpath(own[-1].filename)}, line {own[-1].lineno}" if own else None,
        "revision": at,
        "file": os.path.relpath(str(getattr(error, "filename", None) or getattr(error, "path", None) or last or ".")),
        "refuses": isinstance(error, NotImplementedError) and f"-packages{os.sep}" not in last,
        "sqlstate": state,
        "table": getattr(said, "table_name", None),
        "column": getattr(said, "column_name", None),
    }


def main() -> None:
    """Answer one question after another until none comes."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    questions = os.fdopen(os.dup(0), "r", encoding="utf-8")
    os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    del sys.path[0]  # the modules beside this file are none of the project's
    project: Any = None
    for line in questions:
        asked = json.loads(line)
        try:
            if asked["do"] == "open":
                project = Project(asked)
                answer: Asked = {}
            else:
                name = "migrate" if asked["do"] in ("up", "down") else asked["do"]
                answer = getattr(project, name)(asked)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # sys.exit() of the project too
            answer = {"error": told(error, getattr(project, "at", ""))}
            answer["error"]["statements"] = project.watch.statements if project else []
        answers.write(json.dumps(answer, default=str) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
