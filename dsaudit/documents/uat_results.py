"""The results of an acceptance test of a scheduled sync, filled in from what this run did and saw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsaudit.background import results, rollback
from dsaudit.documents.markdown import at, code, table, todo, words

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def uat_results(audit: Audit) -> str:
    """Return the document: each item with its result and notes, the whole in a word, and how it is taken back."""
    items = results.items(audit)
    by_people = [one for one in items if one.result == "by a person"]
    filled = [(words(one.text), words(one.result), words(one.notes) or "–") for one in items if one not in by_people]
    steps = [(words(step.what), code(step.command) or "–") for step in rollback.steps(audit)]
    whole = results.overall(items)
    sections = [
        f"# {words(audit.parameters.integration)}: results of the acceptance test",
        f"Filled in by dsaudit at {at(audit.instant)}, in {words(audit.parameters.environment)}. "
        "The report of the run has the rows and queries behind each result.",
        f"**Overall: {whole}**",
        table(("Item", "Result", "Notes"), filled, "There is no item."),
        "## Left to people",
        "\n".join(todo(False, words(one.text)) for one in by_people) or "Nothing.",
        "## If it has to be taken back",
        table(("Step", "Command"), steps, "There is no step."),
    ]
    return "\n\n".join(sections) + "\n"
