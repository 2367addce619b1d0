"""The baseline: the rows that somebody accepts until a day, beside the parameter file, so that any other row fails.

It holds no data: a row is known by its name under the integration's mask key, made of check, scope, key and cause. The
file is written by `dsaudit baseline` and sealed under that key, so that nothing in it can be changed by hand unseen.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, model_validator

from dsaudit.parameters import mistakes
from dsaudit.parameters.models import Parameters
from dsaudit.parameters.section import Reason, Section
from dsaudit.verdict.masking import Mask

LONGEST = 366  # days that rows may be accepted for


class BaselineError(Exception):
    """The baseline cannot be used or made; the message is one line."""


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ValueError(f"{text} is no day of the calendar, such as 2026-12-31") from None


Day = Annotated[str, AfterValidator(_day)]


class Accepted(Section):
    """The accepted rows of one check: by whom, why, from when until when, and the run that they were found in."""

    owner: Reason
    reason: str
    made: Day
    expires: Day
    run: str
    part: str  # why the run said less than a whole one, or nothing
    findings: list[str] = Field(min_length=1)  # a name stands as often as it has rows

    @model_validator(mode="after")
    def _in_time(self) -> Accepted:
        days = (date.fromisoformat(self.expires) - date.fromisoformat(self.made)).days
        if not 0 < days <= LONGEST:
            raise ValueError(f"expires {self.expires}: a day after {self.made} is needed, at most {LONGEST} later")
        return self

    def is_over(self, today: date) -> bool:
        """Return whether the rows are accepted no more."""
        return date.fromisoformat(self.expires) < today


class Baseline(Section):
    """What is accepted, by check. One without checks accepts nothing."""

    version: Literal[1] = 1
    integration: str
    key: str  # the name of the mask key
    checks: dict[str, Accepted] = {}
    seal: str = ""

    def findings(self) -> dict[str, Counter[str]]:
        """Return how often each name is accepted, by check; of what has expired too, since it was known."""
        return {name: Counter(accepted.findings) for name, accepted in self.checks.items()}

    def sealed(self, mask: Mask) -> str:
        """Return the seal that belongs to this content."""
        content = self.model_dump(exclude={"seal"})
        return mask.digest(json.dumps(content, sort_keys=True), length=32)


def path_of(parameters: Parameters) -> Path:
    """Return where a system's baseline lies: in the folder called like its parameter file."""
    return parameters.path.with_suffix("") / "baseline.json"


def load(parameters: Parameters, mask: Mask) -> Baseline:
    """Return a system's baseline; without a file, one that accepts nothing.

    Raises
    ------
    BaselineError
        The file is broken, has an unknown key, was changed by hand, or is of another integration or mask key.
    """
    path = path_of(parameters)
    label = f"{path.parent.name}/{path.name}"
    try:
        found = Baseline.model_validate(_read(path))
    except FileNotFoundError:
        return Baseline(integration=parameters.integration, key=mask.name)
    except ValidationError as error:
        raise BaselineError(f"{label}: {sentence(error)}") from None
    except (OSError, ValueError) as error:
        raise BaselineError(f"{label}: cannot be read: {error}") from None
    if found.integration != parameters.integration:
        raise BaselineError(f"{label}: was made for {found.integration!r}, and this is {parameters.integration!r}")
    if found.key != mask.name:
        raise BaselineError(
            f"{label}: was made under the mask key {found.key}, and here is {mask.name}: no row can be recognised; "
            "give the same DSAUDIT_MASK_KEY, or make it anew with `dsaudit baseline`"
        )
    if found.seal != found.sealed(mask):
        raise BaselineError(f"{label}: was changed by hand; make it anew with `dsaudit baseline`")
    return found


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=once)


class Repeated(ValueError):
    """A key stands twice in one object of JSON."""

    def __init__(self, key: str) -> None:
        super().__init__(f"{key}: given twice")
        self.key = key


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON, as ``json.loads`` takes it for its `object_pairs_hook`; `Repeated` if a key is."""
    repeated = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
    if repeated:
        raise Repeated(repeated[0])
    return dict(pairs)


def sentence(error: ValidationError) -> str:
    """Return the first fault that was found, with its place."""
    problem = error.errors()[0]
    place = ".".join(map(str, problem["loc"]))
    return f"{place}: {mistakes.words(problem, problem['loc'], Baseline)}".removeprefix(": ")
