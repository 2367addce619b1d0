"""What becomes of the files of a run: how they are signed, how long they are kept, who is told of a change."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from dsaudit.parameters.section import Section


class Evidence(Section):
    """What becomes of the files of a run.

    `signing_key_env` names the variable that holds the private key by which runs are signed: Ed25519, as PEM or as
    OpenSSH writes it, or the path of such a file. `keep_private_days` is how long a run's private folder stays, which
    holds personal data (the recording of the source, the rows that were found), `keep_days` how long its reports do:
    `dsaudit prune` removes what is older, and never a run's manifest. `notify_url_env` names the variable that holds
    the address to which a change of state is posted, without any data; `report_url` is where a reader finds the folder
    of a run, with ``{run}`` in it, for the link in that message.
    """

    signing_key_env: str | None = None
    keep_private_days: int = Field(30, ge=0)
    keep_days: int = Field(400, ge=1)
    notify_url_env: str | None = None
    report_url: str | None = Field(None, pattern=r"^https?://\S+$")

    @model_validator(mode="after")
    def _consistent(self) -> Any:
        if self.keep_private_days > self.keep_days:
            raise ValueError("keep_private_days: is longer than keep_days, which removes the whole run")
        return self
