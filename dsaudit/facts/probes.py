"""What came back from the probe: deliveries that were sent to see them refused, each with what its answer means."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from dsaudit.probes.forging import GENUINE, REPEATED, SIGNED, WORDS
from dsaudit.probes.sending import Sent

if TYPE_CHECKING:
    from dsaudit.audit import Audit

NOT_NOW = {408, 425, 429}  # by these an address says that it does not look now
NOBODY_LOOKED = {404, 405, 406, 410, 411, 413, 415}  # and by these that there is nothing


@dataclass(frozen=True)
class Answer(Sent):
    """A delivery that was sent; its answer means ``refused``, ``accepted``, ``error``, or nothing (None).

    It means ``unproven`` where what was refused is signed by a secret of which nothing shows that it is the right one.
    """

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
    sent = [Sent(**one) for one in (audit.source.probe or {}).get("sent", [])]
    genuine = next((one.status or 0 for one in sent if one.kind == GENUINE), None)
    is_taken = None if genuine is None else 200 <= genuine < 300
    return [_answer(one, is_taken) for one in sent]


def unsent(audit: Audit) -> str | None:
    """Return why there is no answer to judge, or None."""
    probe = audit.source.probe
    if probe is None:
        return "no deliveries were sent to see them refused when the source was read"
    return f"nothing was sent: {probe['problem']}" if probe["problem"] else None


def _answer(one: Sent, is_genuine_taken: bool | None) -> Answer:
    means, told = _meaning(one, is_genuine_taken)
    return Answer(**asdict(one), means=means, told=told)


def _meaning(one: Sent, is_genuine_taken: bool | None) -> tuple[str | None, str]:
    """Return what an answer means, and its words; a genuine delivery (None: none was sent) is the control.

    Where it was taken, each refusal is one of the signature. Where it was not, nothing is known of any. Without one,
    401 alone says that it is about who asks: an address answers 400 or 403 for many other reasons.
    """
    kind, status = one.kind, one.status
    if status is None:
        return None, f"no answer ({one.problem})"
    if status < 300:
        return "accepted", f"accepted with {status}"
    if status < 400:
        return None, f"answered {status}, a redirect, which is not followed"
    if status in NOT_NOW:
        return None, f"answered {status}, as an address does that does not look now"
    is_error, is_forged = status >= 500, kind not in (GENUINE, REPEATED)
    if is_forged and is_genuine_taken is False:
        return None, f"answered {status}, and the genuine one was not accepted either; is the secret the right one?"
    if is_error:
        return "error", f"answered {status}: an error, not a refusal"
    if is_genuine_taken or not is_forged:
        return "refused", f"refused with {status}"
    if status in NOBODY_LOOKED:
        return None, f"answered {status}, as an address does where nobody looks at a signature"
    if status != 401:
        return None, f"answered {status}, and nothing shows that the signature was the reason: no genuine one was sent"
    if kind in SIGNED:
        return "unproven", "refused with 401, perhaps for a wrong secret: no genuine one was sent"
    return "refused", "refused with 401"
