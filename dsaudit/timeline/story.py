"""One record's story as it is held and displayed: its events, its changes, and what is wrong with it now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from typing import Any

import pandas as pd

from dsaudit.audit.display import Shown
from dsaudit.verdict import Status, card
from dsaudit.verdict.causes import EXPECTED
from dsaudit.verdict.masking import Cell

Masking = Callable[..., Cell]
HEADLINES = {
    Status.PASS: "nothing is wrong with it now",
    Status.FAIL: "something is wrong with it now",
    Status.INCONCLUSIVE: "it cannot be told whether something is wrong with it",
}
SHOWN_CHANGES = 200
SIGNS_OF = {"good": "✓", "bad": "✗", "plain": "·"}


@dataclass(repr=False)
class Story:
    """One record of one tenant: what happened to it, what changed, and what is wrong with it now.

    ``events`` has number, at, side, what, detail, state, version; ``changes`` between (two versions, or the newest and
    the source), path, before, after, unmasked; ``wrong`` check, what, field, at_source, in_refined, cause, evidence,
    unmasked; ``remedies`` say and, some of them, command; ``unknown`` what could not be looked at; ``notes`` more that
    should be said. What is displayed goes through the mask.
    """

    tenant: str
    resource: str
    source_id: str
    status: Status
    events: pd.DataFrame
    changes: pd.DataFrame
    wrong: pd.DataFrame
    remedies: list[dict[str, str]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    reason: str = ""  # why it cannot be told
    cell: Masking = lambda *values: None
    show: frozenset[str] = frozenset()  # the fields and paths whose texts may be shown

    def __repr__(self) -> str:
        return self.headline  # the frames hold what is masked everywhere else

    @property
    def headline(self) -> str:
        """The whole story in one line."""
        causes = ", ".join(group["cause"] for group in self.groups() if not group["expected"])
        told = self.reason or HEADLINES[self.status] + (f" ({causes})" if causes else "")
        return f"{self.resource} {self.source_id} of {self.tenant}: {told}"

    def groups(self) -> list[dict[str, Any]]:
        """Return the differences by cause: cause, evidence, expected, whats, and the rows."""
        found = []
        for (cause, evidence), rows in self.wrong.groupby(["cause", "evidence"], sort=False):
            whats = list(dict.fromkeys(rows["what"]))
            line = {"cause": str(cause), "evidence": str(evidence), "expected": cause in EXPECTED}
            found.append({**line, "whats": whats, "rows": rows.to_dict("records")})
        return found

    def timeline(self) -> Shown:
        """Show the events as a table."""
        names = ("number", "at", "side", "state", "what", "detail")
        times = [instant_shown(one) for one in self.events["at"]]
        shown = self.events.assign(at=times, state=self.events["state"].map(SIGNS_OF))
        lines = shown[list(names)].to_numpy().tolist()
        return Shown(f"What happened to {self.resource} {self.source_id}", columns(names), lines, len(lines))

    def differences(self) -> Shown:
        """Show what changed from version to version, and from the newest to the source, masked."""
        names = ("between", "path", "before", "after")
        lines = [
            [one["between"], one["path"], *(self.value(one[name], one["path"]) for name in ("before", "after"))]
            for one in self.changes.to_dict("records")
        ]
        return Shown("What changed from version to version", columns(names), lines[:SHOWN_CHANGES], len(lines))

    def value(self, value: Any, name: str) -> Cell:
        """Return the value of a field or path as it may be displayed; of an object or a list no more than its size."""
        if isinstance(value, dict):
            return f"an object of {card.plural(len(value), 'value')}"
        if isinstance(value, list):
            return f"a list of {card.plural(len(value), 'item')}"
        return self.cell(value, name in self.show)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        from dsaudit.timeline.printing import plain

        body = f'<p class="ds-claim">{card.badge(self.status)} <b>{card.words(self.headline)}</b></p>'
        body += "".join(map(self._group, self.groups()))
        body += f"<p>What would mend it:</p>{card.mending(self.remedies)}" if self.remedies else ""
        body += _listed("What is not known", self.unknown) + _listed("Also", self.notes)
        html = f'<style>{card.styles()}</style><section class="ds-card ds-{self.status.value}">{body}</section>'
        return {"text/html": html, "text/plain": plain(self)}

    def _group(self, group: dict[str, Any]) -> str:
        lines = "".join(f"<li>{card.words(what)}{self._values(group, what)}</li>" for what in group["whats"])
        fault = " (no fault)" if group["expected"] else ""
        cause = f"<b>{escape(group['cause'])}</b>{fault}: {card.words(group['evidence'])}"
        return f"<ul>{lines}</ul><p>{cause}.</p>"

    def _values(self, group: dict[str, Any], what: str) -> str:
        row = next(one for one in group["rows"] if one["what"] == what)
        if row["field"] is None:
            return ""
        there, here = (card.words(text(self.value(row[name], row["field"]))) for name in ("at_source", "in_refined"))
        return f"<br><small>at the source {there}, here {here}</small>"


def text(cell: Cell) -> str:
    """Return a displayed value as a text: what is masked by its mask and length."""
    if isinstance(cell, dict):
        return f"text of {card.plural(int(cell['length']), 'character')} ({cell['masked']})" if cell["length"] else "''"
    return "null" if cell is None else str(cell).lower() if isinstance(cell, bool) else card.visible(str(cell))


def columns(names: tuple[str, ...]) -> list[dict[str, str]]:
    """Return the heads of a table."""
    return [{"name": name} for name in names]


def instant_shown(at: Any) -> str:
    """Return an instant in UTC to the millisecond, as events of one second have to be told apart."""
    return "time not told" if pd.isna(at) else f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03}"


def _listed(title: str, lines: list[str]) -> str:
    items = "".join(f"<li>{card.words(one)}</li>" for one in lines)
    return f"<p>{title}:</p><ul>{items}</ul>" if lines else ""
