"""Made-up runs in folders of their own, sealed as real ones are."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from dsaudit import history
from dsaudit.cli import main
from dsaudit.evidence import chain, sealing
from dsaudit.exports import summary
from dsaudit.verdict import Status
from tests.report import runs

INTEGRATION = "acme-shopify"


def name(day: int, mark: int = 0) -> str:
    """Return the id of a run that began so many days ago."""
    return f"{datetime.now(UTC) - timedelta(days=day):%Y%m%dT%H%M%SZ}-{0xA000 + mark:04x}"


def record(run: str, statuses: dict[str, Status] | None = None, **given: Any) -> dict[str, Any]:
    """Return the result of a run as it is before it is compared; the rows of a failing check are the same each time."""
    result = runs.result(statuses, **given)
    at = datetime.strptime(run[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    result["run"] |= {"id": run, "started": at.isoformat(), "ended": (at + timedelta(seconds=41)).isoformat()}
    result["parameters"]["values"] = {"integration": INTEGRATION, "policy": {"latency_seconds": 5}}
    for phase in result["phases"]:
        phase["source"] = "ab" * 32
    return {key: value for key, value in result.items() if key not in ("history", "changes")}


def write(out: Path, result: dict[str, Any], seal: bool = True) -> Path:
    """Write a run's folder as a run does: compared, exported, sealed; return it."""
    reports = out / INTEGRATION
    folder = reports / str(result["run"]["id"])
    (folder / "private" / "recording").mkdir(parents=True)
    (folder / "private" / "recording" / "order.gz").write_bytes(b"x" * 1000)
    history.compare(result, reports)
    (folder / "summary.md").write_text(summary.markdown(result), encoding="utf-8")
    (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")
    if seal:
        with chain.locked(reports):
            sealing.seal(folder, reports, result, None)
    return folder


def run(out: Path, day: int, statuses: dict[str, Status] | None = None, **given: Any) -> Path:
    """Write the folder of a run that began so many days ago."""
    return write(out, record(name(day), statuses, **given))


def parameters(folder: Path, more: str = "") -> Path:
    """Write a parameter file of the runs' system."""
    path = folder / "acme.yml"
    path.write_text(f"integration: {INTEGRATION}\ndatabase: {{url_env: AUDIT_URL}}\n{more}", encoding="utf-8")
    return path


def command(*arguments: object) -> Result:
    """Call dsaudit."""
    return CliRunner().invoke(main, [str(one) for one in arguments])
