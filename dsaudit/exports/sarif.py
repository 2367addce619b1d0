"""SARIF 2.1.0, for the pages that show findings beside the code: only those that name a file and a line of it."""

from __future__ import annotations

import json
import posixpath
from typing import Any
from urllib.parse import quote

from dsaudit.exports.places import code_folder, places
from dsaudit.exports.words import cell, plain
from dsaudit.verdict.card import plural

Record = dict[str, Any]
SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
MOST_RESULTS = 5_000  # that GitHub shows of a run
LEVELS = {"critical": "error", "high": "error", "low": "warning", "info": "note"}


def log(result: Record) -> str:
    """Return a result as a SARIF log with one run.

    A file is named from the root of the project where the code lies in it, else from the root of the code (`CODE`).
    What is waived is there as suppressed.
    """
    verdicts = [one for one in result["verdicts"] if one["status"] in ("fail", "waived") and any(places(one))]
    found = [one for place, verdict in enumerate(verdicts) for one in _results(verdict, place, result)]
    versions = result["run"]["versions"]
    driver = {"name": "dsaudit", "version": versions.get("dsaudit", "unknown"), "rules": [*map(_rule, verdicts)]}
    run: Record = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"{plain(result['run']['integration'])}/{plain(result['run']['id'])}"},
        "invocations": [{"executionSuccessful": not result["problems"], "endTimeUtc": _utc(result["run"]["ended"])}],
        "columnKind": "unicodeCodePoints",
        "results": found[:MOST_RESULTS],
        "properties": {"decision": result["decision"], "notShown": _not_shown(verdicts, found)},
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1, ensure_ascii=False) + "\n"


def _rule(verdict: Record) -> Record:
    return {
        "id": verdict["check"],
        "shortDescription": {"text": plain(verdict["claim"])},
        "fullDescription": {"text": plain(verdict["why"])},
        "defaultConfiguration": {"level": _level(verdict)},
        "properties": {"tags": [plain(one) for one in verdict["requirement"]], "severity": plain(verdict["severity"])},
    }


def _results(verdict: Record, rule: int, result: Record) -> list[Record]:
    names = [column["name"] for column in verdict["columns"]]
    folder = code_folder(result)
    made = []
    for place in places(verdict):
        row = verdict["rows"][place.row]
        told = ", ".join(f"{plain(name)}: {cell(value)}" for name, value in zip(names, row, strict=True))
        path = posixpath.normpath(posixpath.join(folder or "", place.file))
        location = {"uri": quote(path), "uriBaseId": "CODE" if folder is None else "%SRCROOT%"}
        one: Record = {
            "ruleId": verdict["check"],
            "ruleIndex": rule,
            "level": _level(verdict),
            "message": {"text": f"{plain(verdict['claim'])}: not so ({told})"},
            "locations": [{"physicalLocation": {"artifactLocation": location, "region": {"startLine": place.line}}}],
        }
        if len(verdict["findings"]) >= len(verdict["rows"]):  # then they go side by side
            one["partialFingerprints"] = {"dsauditFinding/v1": verdict["findings"][place.row]}
        if verdict["status"] == "waived":
            waived = verdict.get("waiver") or verdict.get("accepted") or {}
            one["suppressions"] = [{"kind": "external", "justification": plain(waived.get("reason", ""))}]
        made.append(one)
    return made


def _not_shown(verdicts: list[Record], found: list[Record]) -> str:
    """Return how many rows the report tells and this file does not: a result holds the first of each check only."""
    total = sum(one["total"] for verdict in verdicts for one in verdict["results"])
    more = total - min(len(found), MOST_RESULTS)
    return f"{plural(more, 'more row')} of these checks in the report" if more > 0 else ""


def _level(verdict: Record) -> str:
    return LEVELS.get(verdict["severity"], "warning")


def _utc(instant: str) -> str:
    return instant.replace("+00:00", "Z")
