"""A scratch copy of the audited schema, on a server that dsaudit started: filled, attacked, and thrown away.

What would damage a system is tried here. The audited database is asked for its schema, and for nothing else. Whoever
writes triggers there decides what runs here: it runs as a role that is no superuser, on a server of its own.
"""

from dsaudit.scratch.attacking import Attack, attacks
from dsaudit.scratch.contending import Contention, deadlocks
from dsaudit.scratch.copying import copied, empty, secure
from dsaudit.scratch.filling import fill
from dsaudit.scratch.intruding import Intrusion, as_tenant, intrusions
from dsaudit.scratch.model import Scratch, ScratchError, Table
from dsaudit.scratch.normalising import normalised
from dsaudit.scratch.rehearsing import Link, Rehearsal, links, rehearsals

__all__ = [
    "Attack",
    "Contention",
    "Intrusion",
    "Link",
    "Rehearsal",
    "Scratch",
    "ScratchError",
    "Table",
    "as_tenant",
    "attacks",
    "copied",
    "deadlocks",
    "empty",
    "fill",
    "intrusions",
    "links",
    "normalised",
    "rehearsals",
    "secure",
]
