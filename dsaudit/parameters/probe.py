"""The section ``webhooks.probe`` of a parameter file: what may be sent to our own webhook address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from dsaudit.parameters.section import ADDRESS, Section
from dsaudit.wording import did_you_mean

if TYPE_CHECKING:
    from dsaudit.parameters.models import Parameters

Sending = Literal["nothing", "genuine", "all"]


class Probe(Section):
    """Leave to send forged deliveries to our own webhook address, each of which has to be refused.

    A run sends them once the source is read, where it has planned a check that judges them: `--phase` and `--check` may
    leave it out, and a run that is resumed sends none again. A phase that is opened by hand sends nothing unless it is
    asked to (``dsaudit.open(…, probe=True)``). They are about records that nobody has, and their ids bear a mark by
    which no check takes them for the provider's. `secret_env` names the secret by which the provider signs; with it
    more forgeries can be made, and `live` sends deliveries of its own record again. `valid` has a genuine delivery sent
    twice too, of a deletion, once for each reading of the source: it shows that the others were refused for their
    signature, and may leave a raw row each time, which no check counts. Production is sent no right signature, and
    nothing but about a deletion.
    """

    url: str | None = Field(None, pattern=ADDRESS)  # by default the registered one that matches `address`
    url_env: str | None = None
    secret_env: str | None = None
    topic: str | None = None  # by default the first resource's topic of a deletion, which does the least harm
    valid: bool = False


def why_not_probed(parameters: Parameters, probe: Probe) -> str | None:
    """Return why nothing may be sent as `probe` declares, as key and reason, or None."""
    if not parameters.provider:
        return ": needs `provider`, whose file tells how deliveries are signed"
    if probe.valid and parameters.environment == "production":
        return "valid: a genuine delivery is not sent to production: it would be stored"
    if probe.valid and not probe.secret_env:
        return "valid: a genuine delivery needs `secret_env`, to be signed by"
    if probe.url and probe.url.startswith("http:") and parameters.environment != "development":
        return "url: has to be https outside development"
    topics = [topic for resource in parameters.resources.values() for topic in resource.webhooks]
    if probe.topic and probe.topic not in topics:
        hint = did_you_mean(probe.topic, topics)
        return f"topic: no resource has it{f'; {hint}' if hint else ''}"
    return None
