"""What lies beside the code and changes or watches the system: migrations, dashboards, unit tests of alert rules."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dsaudit.drafting import code as reading
from dsaudit.drafting.code import Told
from dsaudit.drafting.draft import Draft
from dsaudit.drafting.outside import shown
from dsaudit.observability import declaring

MOST_BYTES = 5_000_000  # of a file that is read; no dashboard is larger
BLUEPRINT = "partial_import"


def put_watching(draft: Draft, told: Told, root: Path) -> None:
    """Set the dashboards, the unit tests of the alert rules, and the module that declares metrics.

    Without alert rules there is no such section, and they are named where it would stand.
    """
    found = {
        "dashboards": _found(told, ("*.json",), _is_dashboard),
        "tests": _found(told, ("*.yml", "*.yaml"), _has_rule_tests),
        "module": _declaring(told)[:1],
    }
    named = {key: [shown(path, root) for path in paths] for key, paths in found.items() if paths}
    if draft.value("monitoring.rules"):
        for key, files in named.items():
            draft.put(f"monitoring.{key}", files if len(files) > 1 else files[0])
    elif named:
        listed = "; ".join(f"{key}: {', '.join(files)}" for key, files in named.items())
        draft.ask("monitoring", f"no alert rules were found, which `rules` has to name beside {listed}")


def is_migrated_or_watched(told: Told) -> bool:
    """Return whether migrations, alert rules, dashboards or metrics lie beside the code."""
    lies_there = _found(told, ("alembic.ini",), _is_alembic) or _found(told, ("*.json",), _is_dashboard)
    return bool(lies_there or _declaring(told) or (told.folder and reading.alert_rules(told.folder)))


def _declaring(told: Told) -> list[Path]:
    """Return the modules that declare metrics, that with the most of them first."""
    counted = {path: _metrics(path) for path in _found(told, ("*.py",), lambda text: declaring.LIBRARY in text)}
    return sorted((path for path, count in counted.items() if count), key=lambda path: -counted[path])


def _metrics(path: Path) -> int:
    try:
        return len(declaring.declared(path))
    except declaring.Unreadable:
        return 0


def offer_migrations(draft: Draft, told: Told, root: Path) -> None:
    """Offer the section on migrations where an Alembic project lies beside the code; of several the topmost one."""
    found = sorted(_found(told, ("alembic.ini",), _is_alembic), key=lambda one: len(one.parts))
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
    why = [f"the blueprint {BLUEPRINT} tries each revision on a scratch database, never on the audited one"]
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


def _is_alembic(text: str) -> bool:
    return "[alembic]" in text


def _is_dashboard(text: str) -> bool:
    """Return whether a text is a dashboard of Grafana, in its wrapper or without."""
    if '"panels"' not in text:
        return False
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        return False
    board = whole.get("dashboard", whole) if isinstance(whole, dict) else None
    panels = board.get("panels") if isinstance(board, dict) else None
    if not isinstance(board, dict) or not isinstance(panels, list):
        return False
    # One that is written by hand may lack the version, and has queries at least.
    return "schemaVersion" in board or any(isinstance(one, dict) and _has_queries(one) for one in panels)


def _has_queries(panel: dict[str, Any]) -> bool:
    targets = panel.get("targets")
    return isinstance(targets, list) and any(isinstance(one, dict) and "expr" in one for one in targets)


def _has_rule_tests(text: str) -> bool:
    """Return whether a text is of promtool's unit tests, by its own two keys."""
    return all(re.search(rf"^{key} *:", text, re.MULTILINE) for key in ("rule_files", "tests"))
