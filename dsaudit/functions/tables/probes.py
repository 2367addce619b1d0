"""A table of phase 3: what was sent to see it refused, and what came back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from dsaudit.facts import probes

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def webhook_probe(audit: Audit) -> pd.DataFrame:
    """What was sent to our webhook address, and what came back.

    needs: source, webhooks.probe
    key: delivery
    show: delivery, topic, meaning
    """
    rows = [
        {
            "delivery": one.words,
            "topic": one.topic,
            "answer": one.status,
            "meaning": one.told,
            "seconds": one.seconds,
            "body_of_the_answer": one.answer,
        }
        for one in probes.answers(audit)
    ]
    return pd.DataFrame(rows, dtype=object)
