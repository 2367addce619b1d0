"""Reads an integration's Python code as data: nothing of it is imported or run.

`read` takes a folder; the other functions ask the result for lists, functions, practices, handlers, comments,
signature verification and migrations. What cannot be told without running the code is "unresolved", never "absent".
"""

from dsaudit.codebase.comments import DocumentedException, documented, documented_exceptions
from dsaudit.codebase.findings import Finding, Item, Items, Practices
from dsaudit.codebase.handlers import handlers
from dsaudit.codebase.lists import list_literal
from dsaudit.codebase.logs import logged_words
from dsaudit.codebase.migrations import Migrations, Revision, migration_heads
from dsaudit.codebase.model import Code, Comment, Function, Problem, Unresolved
from dsaudit.codebase.practices import functions, practices
from dsaudit.codebase.reader import SKIPPED, read, read_texts
from dsaudit.codebase.signatures import signature_verification

__all__ = [
    "SKIPPED",
    "Code",
    "Comment",
    "DocumentedException",
    "Finding",
    "Function",
    "Item",
    "Items",
    "Migrations",
    "Practices",
    "Problem",
    "Revision",
    "Unresolved",
    "documented",
    "documented_exceptions",
    "functions",
    "handlers",
    "list_literal",
    "logged_words",
    "migration_heads",
    "practices",
    "read",
    "read_texts",
    "signature_verification",
]
