"""The answer key of a fault: what an audit must and may say of it, written down before anybody looks."""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

MOST_KEYS = 5  # of an expectation in words


@dataclass(frozen=True)
class Expected:
    """One scope of one check that has to come out so, and the rows and fields it has to name."""

    check: str
    status: str = "fail"
    scope: dict[str, str] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)
    fields: list[str] = field(default_factory=list)
    cause: str | None = None

    def in_words(self) -> str:
        where = f" in {', '.join(self.scope.values())}" if self.scope else ""
        shown = ", ".join(self.keys[:MOST_KEYS])
        more = f" and {len(self.keys) - MOST_KEYS} more" if len(self.keys) > MOST_KEYS else ""
        cause = f", because of {self.cause}" if self.cause else ""
        return f"{self.check}: {self.status}{where}{f': {shown}{more}' if shown else ''}{cause}"


@dataclass(frozen=True)
class Planted:
    """The answer key: `must` come out so, the checks in `may` can fail in consequence, any other is a false alarm.

    `mode` is the number that tests/faults/modes.tsv gives to this way of failing, 0 if none; `how` is caused or edited.
    """

    fault: str
    mode: int
    how: str
    must: list[Expected]
    may: list[str] = field(default_factory=list)
    seed: int = 1

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1, ensure_ascii=False)

    def in_words(self) -> str:
        told = [f"Planted {self.fault}. An audit has to find:", *(f"  {one.in_words()}" for one in self.must)]
        return "\n".join([*told, *([f"It may find too: {', '.join(self.may)}"] if self.may else [])])

    @staticmethod
    def from_json(text: str) -> "Planted":
        values = json.loads(text)
        return Planted(**{**values, "must": [Expected(**expected) for expected in values["must"]]})


def recorded(planted: Planted, seed: int, folder: Path) -> Planted:
    """Write the answer key, so that it stands before anybody looks for the fault."""
    planted = replace(planted, seed=seed)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / f"{planted.fault}-{seed}.json").write_text(planted.to_json(), encoding="utf-8")
    return planted
