"""The file by which a sample's app is told which faults are switched on, a JSON list of their names."""

import json
from pathlib import Path


def switched_on(file: Path) -> list[str]:
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else []


def switch_on(file: Path, fault: str) -> None:
    """Put a whole file in the place of the old one: a request that is at work reads it at any moment."""
    written = file.with_name(f"{file.name}.new")
    written.write_text(json.dumps([*switched_on(file), fault]), encoding="utf-8")
    written.replace(file)
