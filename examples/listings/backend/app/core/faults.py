"""Switches that make this app misbehave, so that an audit of it has something to find.

They stand in a file, as a JSON list of names, and are looked up wherever one is used; without the file, or without its
name in it, the path is right.
"""

import json
from pathlib import Path

from app.core.config import get_settings


def is_on(name: str) -> bool:
    path = get_settings().faults_file
    try:
        return path is not None and name in json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return False
