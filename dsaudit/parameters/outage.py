"""The sections ``outage`` and ``bad_record``: how the source is disturbed for a while, to see a sync bear it."""

from __future__ import annotations

from dsaudit.parameters.action import Action
from dsaudit.parameters.section import Section


class Outage(Section):
    """What makes the source refuse the integration, and what lets it answer again, for a run that is asked to act."""

    begin: Action
    end: Action


class BadRecord(Section):
    """What makes the source serve one record that cannot be taken, and what takes it away again."""

    begin: Action
    end: Action
