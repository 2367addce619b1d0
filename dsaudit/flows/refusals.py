"""What the body of a refusal gives away of the program behind it: traces, queries, names of files."""

from __future__ import annotations

import re
from collections.abc import Iterator

TRACE = re.compile(
    r"Traceback \(most recent call last\)"  # Python
    r"|File \"[^\"]+\", line \d+"
    r"|\bat [\w$.<>]+\([\w$]+\.(?:java|kt|scala):\d+\)"  # the JVM
    r"|\bat .{1,200}\(?[\w./\\:-]+\.[cm]?[jt]sx?:\d+:\d+\)?"  # Node.js
    r"|\bgoroutine \d+ \["  # Go
    r"|\.rb:\d+:in "  # Ruby
    r"|\bin [\w./\\-]+\.php(?: on line|:)"  # PHP
    r"|\bat [\w.]+\(.{0,200}\) in [\w:\\/. -]+:line \d+",  # .NET
    re.MULTILINE,
)
SQL = re.compile(
    r"\bSELECT\b.{1,400}?\bFROM\b|\bINSERT INTO\b|\bDELETE FROM\b|\bUPDATE \S+ SET\b"
    r"|(?i:\bselect\s+(?:\*|[\w.\"]+(?:\s*,\s*[\w.\"]+)+)\s+from\s)"
    r"|(?i:\binsert\s+into\s+[\w.\"]+\s*\(|\bupdate\s+[\w.\"]+\s+set\s+[\w.\"]+\s*=)"
    r"|(?i:\bdelete\s+from\s+[\w.\"]+\s+where\b)",
    re.DOTALL,
)
DATABASE = re.compile(
    r"\b(?:psycopg2?|asyncpg|sqlalchemy|sqlite3|pymysql|SQLSTATE|PSQLException|PG::\w+|ORA-\d{5})\b"
    r"|\bviolates (?:unique|check|foreign key|not-null|exclusion) constraint\b"
    r"|\b(?:relation|column|function|type) \"?[\w.]+\"?(?: of relation \"?\w+\"?)? does not exist\b"
    r"|\bsyntax error at or near\b|\binvalid input (?:syntax|value) for (?:type|enum)\b",
    re.IGNORECASE,
)
TOKEN = re.compile(r"[^\s\"'<>()\[\]{},;=|]+")
CODE = re.compile(r"\.(?:py|pyc|rb|java|kt|go|php|cs|rs|sql|[cm]?[jt]sx?)(?::\d+(?::\d+)?)?[.:]?$")
ALONE = re.compile(r"\.(?:py|pyc|rb|java|php|cs|sql)(?::\d+)?[.:]?$")  # without a folder; node.js is something else


def given_away(text: str) -> Iterator[str]:
    """Yield what a body shows that no stranger has to see, in words that do not repeat it."""
    text = text.replace("\\n", "\n").replace('\\"', '"')  # as it stands in JSON
    if TRACE.search(text):
        yield "a stack trace"
    if SQL.search(text):
        yield "a statement in SQL"
    if DATABASE.search(text):
        yield "words of the database or its driver"
    if any(map(_is_file, TOKEN.findall(text))):
        yield "the name of a file of code"


def _is_file(token: str) -> bool:
    """Return whether a word is a file of code, and no address."""
    if "://" in token or "@" in token:
        return False
    is_placed = re.search(r"[/\\]|:\d", token) and CODE.search(token)
    return bool(is_placed or ALONE.search(token))
