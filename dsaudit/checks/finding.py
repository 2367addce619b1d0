"""Finds and parses checks: a query in ``sql/<subject>/<check>.sql``, or a function in ``functions/<subject>.py``.

Both open with the same headers, a query in comments, a function in its docstring. Functions are read with `ast`
and not imported, so that listing and planning stay quick and free of side effects.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from dsaudit.verdict import SEVERITIES

PACKAGE = Path(__file__).resolve().parents[1]
NOT_CHECKS = {"causes", "counts", "tables", "timeline"}  # folders of sql/ whose queries judge nothing

REQUIRED = ("title", "why", "requirement", "severity", "key")
OPTIONAL = (
    "scope",
    "each",
    "having",
    "instant",
    "expect",
    "minimum",
    "show",
    "spans",
    "needs",
    "explains",
    "remedy",
    "tolerates",
    "whole",
    "acts",
)
KNOWN = (*REQUIRED, "examined", *OPTIONAL)
SLOTS = {"raw", "refined", "deliveries", "syncs", "record", "parent", "child", "table"}
COUNTS = {"raw_rows": "raw", "delivery_rows": "deliveries"}  # of which relation; one row for what is counted alike
EACH = {"resource", "relation"}


class CheckError(Exception):
    """A check's file is wrong, or there is no such check; the message names file and line."""


@dataclass(frozen=True)
class Check:
    """A check as its file says it.

    ``slots`` are the relations its query reads, ``needs`` the further ways in (``code``, ``source``, …), ``scope``
    the columns that tell its results apart.
    """

    name: str
    subject: str
    path: Path
    line: int
    headers: dict[str, str]
    query: str = ""  # empty for a function
    examined: str = ""
    own: bool = False

    def listed(self, header: str) -> list[str]:
        """Return a header that is a list, such as ``key`` or ``requirement``."""
        return [part.strip() for part in self.headers.get(header, "").split(",") if part.strip()]

    @property
    def is_query(self) -> bool:
        """Whether the check is a query, and not a function."""
        return bool(self.query)

    @property
    def each(self) -> str | None:
        """What the check runs once for: a resource, a relation, or nothing."""
        return self.headers.get("each")

    @property
    def scope(self) -> list[str]:
        """The columns that tell the results apart; what it runs once for is one of them."""
        own = [self.each] if self.each else []
        return [*(name for name in self.listed("scope") if name not in own), *own]

    @property
    def slots(self) -> set[str]:
        """The relations that its queries read."""
        named = re.findall(r"\{(\w+)\}", self.query + self.examined)
        return {COUNTS.get(name, name) for name in named}


def all_checks() -> dict[str, Check]:
    """Return every check that dsaudit brings along, by name.

    Raises
    ------
    CheckError
        A file is wrong, or a name exists twice.
    """
    return dict(_all_checks(PACKAGE))


@cache
def _all_checks(package: Path) -> dict[str, Check]:
    found: dict[str, Check] = {}
    for path in sorted((package / "sql").glob("*/*.sql")):
        if path.parent.name not in NOT_CHECKS:
            _add(found, parse_query(path))
    for path in sorted((package / "functions").glob("[a-z]*.py")):
        for check in parse_functions(path):
            _add(found, check)
    return found


def own_checks(folder: Path) -> dict[str, Check]:
    """Return a user's own checks, the ``.sql`` files in `folder`; a name that dsaudit has is refused."""
    found = all_checks()
    own: dict[str, Check] = {}
    for path in sorted(folder.glob("*.sql")):
        check = parse_query(path, own=True)
        _add(found, check)
        own[check.name] = check
    return own


def find_table(name: str, folder: str = "tables") -> Check:
    """Return what `audit.table` or `audit.frame` shows, a query or a function that judges nothing.

    A query is ``sql/tables/<name>.sql``, a function ``name(audit) -> DataFrame`` in ``functions/tables/``.
    """
    path = PACKAGE / "sql" / folder / f"{name}.sql"
    if path.is_file():
        headers, query = _read_headers(path)
        return Check(name, folder, path, 1, headers, query)
    functions = _table_functions() if folder == "tables" else {}
    if name not in functions:
        known = ", ".join(sorted([*(file.stem for file in path.parent.glob("*.sql")), *functions]))
        raise CheckError(f"there is no table {name!r} in dsaudit/sql/{folder}; there are {known}")
    return functions[name]


@cache
def _table_functions() -> dict[str, Check]:
    found: dict[str, Check] = {}
    for path in sorted((PACKAGE / "functions" / "tables").glob("[a-z]*.py")):
        for node in _functions(path):
            _add(found, Check(node.name, path.stem, path, node.lineno, _docstring_headers(node, path)))
    return found


def _add(found: dict[str, Check], check: Check) -> None:
    if check.name in found:
        other = found[check.name]
        raise CheckError(
            f"{check.path}:{check.line}: a check named {check.name} exists already, in {other.path}:{other.line}; "
            "a second one would make a false statement, so give it another name"
        )
    found[check.name] = check


def parse_query(path: Path, own: bool = False) -> Check:
    """Read one check that is a query."""
    headers, query = _read_headers(path)
    examined = headers.pop("examined", "")
    check = Check(path.stem, path.parent.name, path, 1, headers, query, examined, own)
    _validate(check)
    if not examined:
        raise CheckError(f"{path}:1: no `-- examined:` header; without it nobody knows whether anything was looked at")
    if own and "show" in headers:
        raise CheckError(f"{path}:1: a check of your own has no `show`; list the columns under `show:` in the file")
    _validate_sql(check)
    return check


def parse_functions(path: Path) -> list[Check]:
    """Read the checks in one module of functions: those whose docstring has headers; helpers start with ``_``."""
    found = []
    for node in _functions(path):
        check = Check(node.name, path.stem, path, node.lineno, _docstring_headers(node, path))
        _validate(check)
        found.append(check)
    return found


def _functions(path: Path) -> Iterator[ast.FunctionDef]:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node


def _docstring_headers(node: ast.FunctionDef, path: Path) -> dict[str, str]:
    title, _, body = (ast.get_docstring(node) or "").partition("\n")
    lines = [line.strip() for line in body.splitlines()]
    return {"title": title.strip().rstrip("."), **_headers(lines, path, node.lineno)}


def _read_headers(path: Path) -> tuple[dict[str, str], str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    end = next((index for index, line in enumerate(lines) if not line.startswith("--")), len(lines))
    comments = [line[2:].strip() for line in lines[:end]]
    return _headers(comments, path, 0), "\n".join(lines[end:]).strip().rstrip(";")


def _headers(lines: list[str], path: Path, offset: int) -> dict[str, str]:
    """Read ``name: value`` lines; a line that is no header continues the one above it."""
    headers: dict[str, str] = {}
    name = ""
    for number, line in enumerate(lines, offset + 1):
        match = re.match(r"([a-z]+):\s*(.*)", line)
        if match and match[1] in KNOWN:
            name = match[1]
            if name in headers:
                raise CheckError(f"{path}:{number}: the header {name!r} stands here a second time")
            headers[name] = match[2].strip()
        elif re.match(r"[a-z]+:\s", line):
            raise CheckError(f"{path}:{number}: unknown header {line.split(':')[0]!r}; known: {', '.join(KNOWN)}")
        elif line and name:
            headers[name] += f" {line}"
        elif line:
            raise CheckError(f"{path}:{number}: expected a header such as `title: …`")
    return headers


def _validate(check: Check) -> None:
    place = f"{check.path}:{check.line}"
    missing = [name for name in REQUIRED if not check.headers.get(name)]
    if missing:
        raise CheckError(f"{place}: {check.name} lacks the header {missing[0]!r}; a check has {', '.join(REQUIRED)}")
    if check.headers["severity"] not in SEVERITIES:
        raise CheckError(f"{place}: severity {check.headers['severity']!r} is none of {', '.join(SEVERITIES)}")
    if check.each and check.each not in EACH:
        raise CheckError(f"{place}: each {check.each!r} is neither resource nor relation")


def _validate_sql(check: Check) -> None:
    for part in (check.query, check.examined):
        place = f"{check.path}:{_line_of(check.path, part)}"
        if not re.match(r"(select|with)\b", part.lstrip(), re.IGNORECASE) or ";" in part:
            raise CheckError(f"{place}: a check is one select, without a semicolon")
        for slot in re.findall(r"\{([^}]*)\}", part):
            known = SLOTS if part is check.query else SLOTS | {*COUNTS}
            if slot not in known:
                raise CheckError(f"{place}: {{{slot}}} is no relation; there are {', '.join(sorted(known))}")
        if re.search(r"%(?!\(\w+\)s)", part.replace("%%", "")):
            raise CheckError(f"{place}: a bare % is taken for a parameter; write %%, and starts_with() for like")


def _line_of(path: Path, part: str) -> int:
    text = path.read_text(encoding="utf-8")
    start = text.find(part[:40]) if part else -1
    return text.count("\n", 0, start) + 1 if start >= 0 else 1
