"""Finds the files of test results, and parses XML that may come from anywhere."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException, ElementTree

from dsaudit.parameters import Parameters

LARGEST = 256 * 1024 * 1024  # bytes of one file
Read = TypeVar("Read")


class Unreadable(ValueError):
    """A file is not what it is declared to be; the message says why, with the line where one is known."""


def found(parameters: Parameters, patterns: Sequence[str]) -> tuple[list[Path], list[str]]:
    """Return the files that the patterns of the section name, and what of them names none."""
    section = parameters.own_tests
    root = parameters.folder("")
    if section and section.folder_env:
        if not (given := os.environ.get(section.folder_env)):
            return [], [f"the environment variable {section.folder_env} is not set"]
        root = parameters.folder(given)
    paths, problems = dict[Path, None](), list[str]()
    for pattern in patterns:
        whole = Path(glob.escape(str(root)), Path(pattern).expanduser())
        matching = [path for path in map(Path, sorted(glob.glob(str(whole), recursive=True))) if path.is_file()]  # noqa: PTH207
        paths |= dict.fromkeys(matching)
        problems += [] if matching else [f"there is no file {pattern}"]
    return list(paths), problems


def each(paths: Sequence[Path], read: Callable[[Path], Read]) -> tuple[list[Read], list[str]]:
    """Return what each file holds, and why others cannot be read."""
    held, problems = list[Read](), list[str]()
    for path in paths:
        try:
            held.append(read(path))
        except Unreadable as error:
            problems.append(f"{path.name}:{error}" if str(error)[:1].isdigit() else f"{path.name}: {error}")
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is no text in UTF-8"
            problems.append(f"{path.name}: could not be read: {why}")
    return held, problems


def parsed(path: Path) -> Element:
    """Return the root of an XML file; entities are neither expanded nor fetched, and refused where they are declared.

    Raises
    ------
    Unreadable
        It is no XML, ends early, or declares entities.
    """
    if path.stat().st_size > LARGEST:
        raise Unreadable(f"it is larger than {LARGEST // 1024 // 1024} MB")
    try:
        root: Element = ElementTree.parse(path).getroot()
    except ParseError as error:
        raise Unreadable(f"{error.position[0]}: {str(error).partition(': line')[0]}") from None
    except DefusedXmlException:
        raise Unreadable("it declares entities, which are refused; results of tests need none") from None
    except (LookupError, ValueError) as error:
        raise Unreadable(f"it is no XML: {error}") from None
    return root


def number(given: str | None) -> int:
    """Return a count of an attribute, 0 where there is none; raises `Unreadable` where it is no number."""
    try:
        return int(float(given or 0))
    except (ValueError, OverflowError):
        raise Unreadable(f"{given!r} is no number") from None


def instant(given: object) -> datetime | None:
    """Return an instant from ISO 8601 or seconds or milliseconds since 1970, None where it is none.

    One without a zone stays without one.
    """
    text = str(given or "").strip()
    try:
        if text.replace(".", "", 1).isdigit():
            seconds = float(text)
            return datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, UTC)
        return datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None


def kind(path: Path) -> str | None:
    """Return what a file is by its beginning, ``junit`` or ``coverage``, None where it is neither."""
    try:
        with path.open("rb") as file:
            start = file.read(1000)
    except OSError:
        return None
    if path.suffix == ".xml" and re.search(rb"<testsuites?[\s>]", start):
        return "junit"
    is_cobertura = path.suffix == ".xml" and re.search(rb"<coverage\s[^>]*line-rate", start)
    is_json = path.suffix == ".json" and re.match(rb'{\s*"meta":\s*{[^}]*"branch_coverage"', start)
    is_lcov = path.suffix in (".info", ".lcov") and re.match(rb"(TN|SF):", start)
    return "coverage" if is_cobertura or is_json or is_lcov else None
