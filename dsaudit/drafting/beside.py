"""What lies beside the code and changes or watches the system: migrations, dashboards, unit tests of alert rules."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from dsaudit.drafting import code as reading
from dsaudit.drafting.code import Told
from dsaudit.drafting.draft import Draft
from dsaudit.drafting.outside import shown

MOST_BYTES = 5_000_000  # of a file that is read; no dashboard is larger
BLUEPRINT = "the blueprint partial_import"


def put_watching(draft: Draft, told: Told, root: Path) -> None:
    """Set the dashboards, and the unit tests of the alert rules."""
    for key, patterns, is_one in (
        ("dashboards", ("*.json",), _is_dashboard),
        ("tests", ("*.yml", "*.yaml"), _has_rule_tests),
    ):
        files = [shown(path, root) for path in _found(told, patterns, is_one)]
        if files:
            draft.put(f"monitoring.{key}", files if len(files) > 1 else files[0])


def offer_migrations(draft: Draft, told: Told, root: Path) -> None:
    """Offer the section on migrations where an Alembic project lies beside the code; of several the topmost one."""
    found = sorted(_found(told, ("alembic.ini",), lambda text: "[alembic]" in text), key=lambda one: len(one.parts))
    if not found:
        return
    config, others = found[0], found[1:]
    value = {"config": shown(config, root)}
    python = next((one for one in (config.parent, root) if (one / ".venv" / "bin" / "python").is_file()), None)
    if python:  # the link, and not the program that it leads to
        value["python"] = f"{shown(python, root)}/.venv/bin/python".removeprefix("./")
    variables = _addresses(told, config)
    if len(variables) == 1:
        value["url_env"] = variables[0]
    why = [f"{BLUEPRINT} tries each revision on a scratch database, never on the audited one"]
    why += [f"env.py reads {', '.join(variables)}: name the one with the address as url_env"] if variables[1:] else []
    why += [f"also there: {', '.join(shown(one, root) for one in others)}"] if others else []
    draft.offer("migrations", value, "; ".join(why))


def _addresses(told: Told, config: Path) -> list[str]:
    """Return the variables that the project's ``env.py`` reads, those that are called like addresses if there are."""
    if told.code is None or told.folder is None:
        return []
    below = config.parent.relative_to(told.folder).as_posix()
    trees = [
        module.tree
        for module in told.code.modules.values()
        if module.file.rpartition("/")[2] == "env.py" and (below == "." or module.file.startswith(f"{below}/"))
    ]
    names = reading.variables_of(trees)
    return [name for name in names if re.search("URL|DSN|URI", name)] or names


def _found(told: Told, patterns: tuple[str, ...], is_one: Callable[[str], bool]) -> list[Path]:
    """Return the files below the code whose names fit, and whose text does."""
    if told.folder is None:
        return []
    return [path for path in reading.beside(told.folder, *patterns) if is_one(_text(path))]


def _text(path: Path) -> str:
    """Return the text of a file; none where it is large or cannot be read."""
    try:
        return path.read_text(encoding="utf-8") if path.stat().st_size <= MOST_BYTES else ""
    except (OSError, UnicodeDecodeError):
        return ""


def _is_dashboard(text: str) -> bool:
    """Return whether a text is a dashboard of Grafana, in its wrapper or without."""
    if '"panels"' not in text:
        return False
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        return False
    board = whole.get("dashboard", whole) if isinstance(whole, dict) else None
    return isinstance(board, dict) and isinstance(board.get("panels"), list) and "schemaVersion" in board


def _has_rule_tests(text: str) -> bool:
    """Return whether a text is of promtool's unit tests, by its own two keys."""
    return all(re.search(rf"^{key} *:", text, re.MULTILINE) for key in ("rule_files", "tests"))
