"""Verdicts: what one check found. The same record is shown in the notebook and read back by the runner."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

MIME = "application/vnd.dsaudit.verdict+json"
CLOSING_MIME = "application/vnd.dsaudit.closing+json"
DRAFT_MIME = "application/vnd.dsaudit.draft+json"
SCHEMA = 1


class Status(StrEnum):
    """What became of a check, from best to worst. Only `PASS` is green."""

    PASS = "pass"
    WAIVED = "waived"
    SKIPPED = "skipped"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"
    FAIL = "fail"

    @property
    def rank(self) -> int:
        """The place from best (0) to worst."""
        return list(Status).index(self)


SEVERITIES = ("critical", "high", "low", "info")


def worst(statuses: Iterable[Status]) -> Status:
    """Return the worst of `statuses`; of none, `INCONCLUSIVE`, since nothing was proven."""
    return max(statuses, key=lambda status: status.rank, default=Status.INCONCLUSIVE)


@dataclass
class Result:
    """What a check found in one scope, such as one tenant's orders."""

    scope: dict[str, str]
    status: Status
    expected: str = "0 rows"
    observed: str = ""
    value: float | int | None = None
    unit: str = "rows"
    threshold: float | int | None = 0
    examined: int = 0
    total: int = 0
    reason: str | None = None


@dataclass
class Verdict:
    """One check's record; `interfaces` calls it schema 1.

    ``columns`` holds a name and a role (``scope``, ``key`` or ``value``) for each column of ``rows``, ``rows`` at
    most 20 masked rows, ``places`` the tenants, resources and relations in which rows were found, ``findings`` a
    fingerprint for each row found, ``limits`` what was left out.
    """

    check: str
    claim: str
    why: str
    requirement: list[str]
    severity: str
    status: Status
    results: list[Result]
    run: str = ""
    nonce: str = ""
    phase: str = ""
    instant: str = "run"
    columns: list[dict[str, str]] = field(default_factory=list)
    rows: list[list[Any]] = field(default_factory=list)
    places: list[dict[str, str]] = field(default_factory=list)
    causes: dict[str, int] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    rows_file: str | None = None
    query: str = ""
    query_sha256: str = ""
    started: str = ""
    seconds: float = 0.0
    remedies: list[dict[str, str]] = field(default_factory=list)
    limits: list[str] = field(default_factory=list)
    bounds: dict[str, list[int]] = field(default_factory=dict)  # of a sample, by resource: wrong, drawn, known
    waiver: dict[str, str] | None = None
    accepted: dict[str, Any] | None = None  # the runner's: owner, reason, expires, run, rows of the baseline

    @property
    def total(self) -> int:
        """Rows found over all scopes."""
        return sum(result.total for result in self.results)

    @property
    def examined(self) -> int:
        """Rows examined over all scopes."""
        return sum(result.examined for result in self.results)

    def to_json(self) -> dict[str, Any]:
        """Return the record as it is displayed and stored."""
        return {"schema": SCHEMA, **asdict(self)}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Verdict:
        """Read a record back.

        Raises
        ------
        ValueError
            The record is of another schema, or not a verdict at all.
        """
        if record.get("schema") != SCHEMA:
            raise ValueError(f"a verdict of schema {record.get('schema')!r}; this dsaudit reads schema {SCHEMA}")
        values = {name: value for name, value in record.items() if name != "schema"}
        try:
            results = [Result(**{**result, "status": Status(result["status"])}) for result in values.pop("results")]
            return cls(**{**values, "status": Status(values["status"]), "results": results})
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a verdict: {error}") from error

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        from dsaudit.verdict import card

        record = self.to_json()
        return {MIME: record, "text/html": card.page(record), "text/plain": card.text(record)}
