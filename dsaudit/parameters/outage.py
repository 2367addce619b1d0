"""The section ``outage``: how the source is made to refuse for a while, to see a failure logged and survived."""

from __future__ import annotations

from dsaudit.parameters.action import Action
from dsaudit.parameters.section import Section


class Outage(Section):
    """What makes the source refuse the integration, and what lets it answer again, for a run that is asked to act."""

    begin: Action
    end: Action
