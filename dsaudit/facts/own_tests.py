"""The results of the project's own tests, read once for all checks of a notebook."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from dsaudit.own_tests import Change, Left, Measured, Report, age, folder, left
from dsaudit.wording import span

if TYPE_CHECKING:
    from dsaudit.audit import Audit
    from dsaudit.parameters.own_tests import OwnTests

TOLERANCE = timedelta(seconds=2)  # some tools write their time in whole seconds
MOST_NAMED = 3


def section(audit: Audit) -> OwnTests:
    """Return what the file says of the project's own tests."""
    given = audit.parameters.whole.own_tests
    assert given
    return given


def results(audit: Audit) -> Left:
    """Return what runs of the tests have left."""
    if "own tests" not in audit.kept:
        audit.kept["own tests"] = left(audit.parameters.whole)
    found: Left = audit.kept["own tests"]
    return found


def code(audit: Audit) -> Path | None:
    """Return the folder of the code that the tests are of, where the file names one that is there."""
    given = folder(audit.parameters.whole)
    return given if given and given.is_dir() else None


def unmeasured(audit: Audit) -> list[str]:
    """Return the files of Python of the code that no coverage names, though the tests are of them."""
    root = code(audit)
    named = [f"/{name}" for name in results(audit).files(root)]
    ours = age.sources(root) if root else []
    return [name for name in ours if not any(one.endswith(f"/{name}") for one in named)]


def changed(audit: Audit) -> Change | None:
    """Return the newest change of the code."""
    root = code(audit)
    return age.changed(root, results(audit).paths) if root else None


def times(audit: Audit) -> dict[Path, tuple[datetime, str | None]]:
    """Return when each file of results was made, and what is not certain of that."""
    return {one.path: age.stamped(one.path, one.at) for one in results(audit).results}


def not_of_this_code(audit: Audit, change: Change | None, notes: list[str]) -> dict[Path, str]:
    """Return which files of results are of other code than there is, and why; `notes` take what is not certain."""
    commits = {one.path: one.commit for one in results(audit).reports if one.commit}
    wrong: dict[Path, str] = {}
    for path, (at, note) in times(audit).items():
        same = _same(audit, path, commits[path], notes) if path in commits else None
        older = _older(audit, at, change if same is None else None)
        problem = same or older
        if problem:
            wrong[path] = problem
        notes += [note] if note and same is None else []
    return wrong


def _same(audit: Audit, path: Path, commit: str, notes: list[str]) -> str | None:
    """Return in what the code differs from the commit that results name: "" in nothing, None where it is not known."""
    root = code(audit)
    files = age.differing(root, commit, results(audit).paths) if root else None
    if files is None:
        notes.append(f"{path.name} names the commit {commit[:10]}, which git does not know here; its time decided")
        return None
    if not files:
        return ""
    more = f" and {len(files) - MOST_NAMED} more" if len(files) > MOST_NAMED else ""
    return f"they are of commit {commit[:10]}, and not as there are {', '.join(files[:MOST_NAMED])}{more}"


def _older(audit: Audit, at: datetime, change: Change | None) -> str | None:
    days = section(audit).max_age_days
    now = datetime.fromisoformat(audit.instant)
    if change and at + TOLERANCE < change.at:
        return f"the code was changed {span((change.at - at).total_seconds())} later ({change.what})"
    if days and now - at > timedelta(days=days):
        return f"they are {span((now - at).total_seconds())} old, and {days:g} days are allowed"
    return None


def commit_of(one: Report | Measured) -> str | None:
    """Return the commit that results name, short."""
    return one.commit[:10] if isinstance(one, Report) and one.commit else None
