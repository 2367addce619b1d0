"""What came back from the probe: deliveries that were sent to see them refused, each with what its answer means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dsaudit.probes.forging import GENUINE, REPEATED, WORDS

if TYPE_CHECKING:
    from dsaudit.audit import Audit

# By these an address says that there is nothing, or not now: nobody looked at the signature.
NOBODY_LOOKED = {404, 405, 406, 408, 410, 411, 413, 415, 425, 429}


@dataclass(frozen=True)
class Answer:
    """A delivery that was sent; its answer means ``refused``, ``accepted``, ``error``, or nothing (None)."""

    kind: str
    delivery_id: str
    source_id: str
    topic: str
    at: str
    seconds: float
    status: int | None
    text: str
    means: str | None
    told: str

    @property
    def words(self) -> str:
        """What the delivery was, in words."""
        return WORDS[self.kind]

    @property
    def is_forged(self) -> bool:
        """Whether it has to be refused."""
        return self.kind not in (GENUINE, REPEATED)


def answers(audit: Audit) -> list[Answer]:
    """Return what was sent, in order; nothing where nothing was."""
    sent = (audit.source.probe or {}).get("sent", [])
    # Where a genuine one was taken, somebody looks at this address, and each refusal is one.
    somebody = any(one["kind"] == GENUINE and one["status"] and one["status"] < 300 for one in sent)
    return [_answer(one, somebody) for one in sent]


def unsent(audit: Audit) -> str | None:
    """Return why there is no answer to judge, or None."""
    probe = audit.source.probe
    if probe is None:
        return "no deliveries were sent to see them refused when the source was read"
    return f"nothing was sent: {probe['problem']}" if probe["problem"] else None


def _answer(one: dict[str, Any], somebody: bool) -> Answer:
    status, problem = one["status"], one["problem"]
    if status is None:
        means, told = None, f"no answer ({problem})"
    elif status < 300:
        means, told = "accepted", f"accepted with {status}"
    elif status < 400:
        means, told = None, f"answered {status}, a redirect, which is not followed"
    elif status >= 500:
        means, told = "error", f"answered {status}: an error, not a refusal"
    elif status in NOBODY_LOOKED and not somebody:
        means, told = None, f"answered {status}, as an address does where nobody looks at a signature"
    else:
        means, told = "refused", f"refused with {status}"
    ids = (one["kind"], one["delivery_id"], one["source_id"], one["topic"], one["at"])
    return Answer(*ids, one["seconds"], status, one["answer"], means, told)
