"""Parameter files of small systems."""

from __future__ import annotations

from pathlib import Path

SMALL = "integration: small\ndatabase: {url_env: SMALL_URL}\n"


def written(folder: Path, text: str, name: str = "small") -> Path:
    """A parameter file in a project of its own."""
    (folder / "parameters").mkdir(exist_ok=True)
    path = folder / "parameters" / f"{name}.yml"
    path.write_text(SMALL + text, encoding="utf-8")
    return path
