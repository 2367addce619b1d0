"""What a notebook shows beside verdicts: the opening, tables that judge nothing, the closing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any

from dsaudit.database.identity import Identity
from dsaudit.parameters import Parameters
from dsaudit.verdict import CLOSING_MIME, DRAFT_MIME, SCHEMA, Status, Verdict, card, worst

MOST_LINES = 24  # of a draft that a notebook shows
MOST_OPEN = 20  # rows of a table; one with more scrolls inside a box, and says how many it has


@dataclass
class Opening:
    """Which system, which database and which instant the phase speaks of."""

    parameters: Parameters
    identity: Identity
    instant: str
    phase: str
    replay: str = ""  # the run whose reading of the source stands for one of its own

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        who = self.identity
        replica = " (a replica)" if who.replica else ""
        facts = {
            "system": f"{self.parameters.integration}, {self.parameters.environment}",
            "tenants": ", ".join(self.parameters.tenant_names),
            "database": f"{who.database} on PostgreSQL {who.server_version}{replica}",
            "identity": who.pin,
            "instant": self.instant,
            "role": who.role if not who.may_write else f"{who.role} — this role can write: {who.may_write[0]}",
        }
        if self.replay:
            facts["source"] = f"not asked; as the run {self.replay} read it"
        rows = "".join(
            f'<tr><th scope="row">{name}</th><td>{card.breakable(fact)}</td></tr>' for name, fact in facts.items()
        )
        html = f'<style>{card.styles()}</style><div class="ds-table"><table><tbody>{rows}</tbody></table></div>'
        return {"text/html": html, "text/plain": "\n".join(f"{name}: {fact}" for name, fact in facts.items())}


@dataclass
class Shown:
    """A table for the reader; its cells are masked already."""

    title: str
    columns: list[dict[str, str]]
    rows: list[list[Any]]
    total: int
    headline: str = ""
    empty: list[str] = field(default_factory=list)  # columns that were left out
    unshown: str = ""  # why its rows could not be read

    def without_empty(self) -> Shown:
        """Return the table without the columns that hold nothing in any row; the caption names them."""
        held = [place for place, _ in enumerate(self.columns) if any(row[place] not in ("", None) for row in self.rows)]
        if not self.rows or len(held) == len(self.columns):
            return self
        empty = [column["name"] for place, column in enumerate(self.columns) if place not in held]
        rows = [[row[place] for place in held] for row in self.rows]
        return replace(self, columns=[self.columns[place] for place in held], rows=rows, empty=empty)

    @classmethod
    def of_verdicts(cls, verdicts: list[Verdict], otherwise: str, word: str = "") -> Shown:
        """Return verdicts as a table, the worst first; `word` says it in one."""
        ordered = sorted(verdicts, key=lambda verdict: -verdict.status.rank)
        rows = [[v.status.value, v.claim, v.total, v.examined, v.check] for v in ordered]
        columns = [{"name": name} for name in ("status", "claim", "found", "examined", "check")]
        counts = Counter(verdict.status for verdict in verdicts)
        counted = ", ".join(f"{counts[status]} {status}" for status in reversed(Status) if counts[status])
        headline = f"{word}: {counted} of {card.plural(len(rows), 'check')}" if word and verdicts else ""
        return cls("Verdicts of this phase" if verdicts else otherwise, columns, rows, len(rows), headline)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        caption = self.title
        if self.unshown:
            told = f"{caption} could not be shown: {self.unshown}"
            return {"text/html": f"<p>{escape(told)}.</p>", "text/plain": told}
        if self.total > len(self.rows):
            caption += f" ({len(self.rows)} of {card.plural(self.total, 'row')} shown)"
        elif len(self.rows) > MOST_OPEN:
            caption += f" ({len(self.rows)} rows)"
        if self.empty:
            caption += f"; empty and left out: {', '.join(self.empty).replace('_', ' ')}"
        if not self.rows:
            return {"text/html": f"<p>{escape(caption)}: nothing to show.</p>", "text/plain": f"{caption}: nothing"}
        table = card.rows_table(self.columns, self.rows, caption)
        plain = "\n".join("  ".join(_plain(cell) for cell in row) for row in self.rows)
        headline = f"<p><b>{escape(self.headline)}</b></p>" if self.headline else ""
        return {
            "text/html": f'{headline}<style>{card.styles()}</style><div class="ds-table">{table}</div>',
            "text/plain": "\n".join(filter(None, (self.headline, caption, plain))),
        }


@dataclass
class Draft:
    """A document drafted from the audit: its head for the reader, all of it for the runner, which writes the file."""

    run: str
    nonce: str
    name: str
    text: str
    reason: str = ""  # why there is nothing to write

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        file = f"{self.name}.md"
        if not self.text:
            told = f"no {file}: {self.reason}"
            return {"text/html": f"<p>{escape(told)}.</p>", "text/plain": told}
        lines = self.text.splitlines()
        more = f", of which these are the first {MOST_LINES}" if len(lines) > MOST_LINES else ""
        told = f"{file}, {card.plural(len(lines), 'line')}{more}"
        head = "\n".join(lines[:MOST_LINES])
        record = {"schema": SCHEMA, "run": self.run, "nonce": self.nonce, "name": self.name, "text": self.text}
        html = f"<p>{escape(told)}:</p><pre>{card.code(head)}</pre>"
        return {DRAFT_MIME: record, "text/html": html, "text/plain": f"{told}:\n{head}"}


@dataclass
class Closing:
    """The phase's end: says which checks ran, so that a notebook that stopped early is told from a whole one."""

    run: str
    nonce: str
    phase: str
    verdicts: list[Verdict] = field(repr=False)
    judges: bool = True  # whether anything has to be proven: outside of a blueprint nothing has

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        if not self.verdicts and not self.judges:
            return {"text/html": "<p>Closed; nothing was judged here.</p>", "text/plain": "closed; nothing was judged"}
        status = worst(verdict.status for verdict in self.verdicts)
        record = {"schema": SCHEMA, "run": self.run, "nonce": self.nonce, "phase": self.phase}
        checks = [verdict.check for verdict in self.verdicts]
        counted = card.plural(len(checks), "check")
        bundle = Shown.of_verdicts(self.verdicts, "no check has run")._repr_mimebundle_()
        html = f"<p>{card.badge(status)} {escape(self.phase)}: {counted}</p>{bundle['text/html']}"
        plain = f"{status.upper()} {self.phase}: {counted}\n{bundle['text/plain']}"
        return {CLOSING_MIME: {**record, "checks": checks}, "text/html": html, "text/plain": plain}


def _plain(cell: Any) -> str:
    return str(cell["masked"]) if isinstance(cell, dict) else card.visible(str(cell))
