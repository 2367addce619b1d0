"""Audits the sample of a scheduled sync in this process, with everything that a run would do to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dsaudit.parameters import Parameters
from tests.checks.asked import called
from tests.checks.auditing import Verdicts, all_rows, opened

CHECKS = called("background_sync")


def edited(sample: Any, *changes: tuple[str, str]) -> Path:
    """Return a copy of the sample's parameter file with texts replaced, each of which has to be there."""
    text = sample.parameters.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file: Path = sample.parameters.with_name("edited.yml")
    file.write_text(text, encoding="utf-8")
    return file


def audited(
    sample: Any,
    names: list[str] | None = None,
    parameters: Path | None = None,
    environment: dict[str, str] | None = None,
) -> tuple[Verdicts, dict[str, list[dict[str, object]]], Parameters]:
    """Run the checks of the blueprint in the order of its notebooks; return verdicts, whole rows, and parameters."""
    with opened(parameters or sample.parameters, environment or sample.environment) as audit:
        if audit.parameters.source:
            assert audit.source.index  # read before the first check: the snapshot is renewed after it
        found = {name: audit.check(name) for name in names or CHECKS}
        return found, {name: all_rows(audit, verdict) for name, verdict in found.items()}, audit.parameters
