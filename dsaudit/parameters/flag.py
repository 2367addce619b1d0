"""The section ``flag``: the feature flag that turns the sync off, where it shows, and how it is turned."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from dsaudit.parameters.action import Action
from dsaudit.parameters.section import Names, Section


class Flag(Section):
    """The feature flag of the sync, as a running process sees it.

    `name` is what it is called, such as its variable. `shown` is the path in the answer of `api.health` that tells its
    state, and `on_values` are the words there that mean on (true and false are written ``"true"`` and ``"false"``).
    `off` and `on` turn it, and end when every process of the integration has the new state: a variable that was changed
    in a file does nothing to a process that runs. Both are done by a run alone that is asked to act.
    """

    name: str = Field(min_length=1)
    shown: str | None = Field(None, min_length=1)
    on_values: Names = Field(["enabled"], min_length=1)
    off: Action | None = None
    on: Action | None = None

    @model_validator(mode="after")
    def _can_be_put_back(self) -> Flag:
        if (self.off is None) != (self.on is None):
            given, lacking = ("on", "off") if self.off is None else ("off", "on")
            raise ValueError(f"{given} without {lacking}: after the audit the flag has to be as it was found")
        return self

    def is_on(self, shown: Any) -> bool:
        """Return whether what stands at `shown` in the answer means on."""
        return (str(shown).lower() if isinstance(shown, bool) else str(shown)) in self.on_values
