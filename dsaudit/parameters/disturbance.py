"""The sections ``outage`` and ``bad_record``: how the source is disturbed for a while, to see a sync bear it."""

from __future__ import annotations

from dsaudit.parameters.action import Action
from dsaudit.parameters.section import Section


class Disturbance(Section):
    """What disturbs the source, and what ends that again, for a run that is asked to act.

    As `outage` it makes the source refuse the integration; as `bad_record` it makes it serve one record that cannot be
    taken.
    """

    begin: Action
    end: Action
