"""The clean-up of orphans, relation by relation, for whoever decides about it. Nothing of it was executed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dsaudit.documents.markdown import at, code, words
from dsaudit.facts.cleanup import Cleanup, cleanups
from dsaudit.verdict.card import plural, visible

if TYPE_CHECKING:
    from dsaudit.audit import Audit

LONGEST = 20_000  # characters of a statement
HOW = """\
Nothing here was executed. Each transaction looks first, changes then, and takes it all back at its end: let somebody
who knows the data read what the select returns, run it as the owner of the tables, and write commit for rollback only
where the number of rows is the expected one. Where rows are deleted, what hangs on them by a cascade goes along. Close
first what makes orphans, and add the foreign key afterwards; then audit again."""


def orphan_cleanup(audit: Audit) -> str:
    """Return the document: for each relation with orphans how many there are, and the statement."""
    found = cleanups(audit)
    sections = [
        f"# {words(audit.parameters.integration)}: orphans and their clean-up",
        f"As the database was at {at(audit.instant)}, in {words(audit.parameters.environment)}.",
    ]
    if not found:
        sections.append("There are no orphans: there is nothing to clean up.")
    else:
        sections += [" ".join(HOW.split()), *map(_section, found)]
    return "\n\n".join(sections) + "\n"


def _section(one: Cleanup) -> str:
    head = f"## {code(one.relation)}"
    if one.problem:
        return f"{head}\n\nNot known: {words(one.problem)}"
    return f"{head}\n\n{plural(one.orphans, 'orphan')}; the statement {words(one.does)}.\n\n{_block(one.statement)}"


def _block(statement: str) -> str:
    """Return a statement as a block of code that no name in it can end."""
    text = visible(statement, LONGEST, keep="\n")
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}sql\n{text}\n{fence}"
