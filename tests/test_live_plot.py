"""The plot of the live probe with deliveries that were sent again: what stayed as it was, changed, or is unknown."""

from __future__ import annotations

import pandas as pd
import pytest

from dsaudit import plots
from tests.test_plots import closed as closed
from tests.test_plots import frame, sentence, steps


def sent_again(*seconds: float | None, failed: bool | None = False) -> pd.DataFrame:
    """The steps of changes that came, and of a delivery that was sent again."""
    still = [
        {"action": "duplicate", "step": name, "still": True, "seconds": one, "waited_seconds": 15.0,
         "limit_seconds": 5.0, "failed": failed}
        for name, one in zip(("raw", "row"), seconds, strict=False)
    ]  # fmt: skip
    return pd.concat([steps(0.02, 0.3), frame(*still)], ignore_index=True)


BAD = "late, not seen in 15 s, or changed by a delivery sent again: duplicate: raw, row"
GOOD = "all 4 steps were seen; the slowest is webhook of create, 300 ms, and no delivery sent again changed a row"


@pytest.mark.parametrize(
    ("given", "label", "words"),
    [
        (sent_again(5.1, 5.1), "raw as it was for 5.1 s", GOOD),
        (sent_again(0.1, 1.2, failed=True), "row changed after 1.2 s", BAD),
        (sent_again(None, None, failed=None), "row unknown", BAD),
    ],
)
def test_says_what_a_delivery_that_was_sent_again_changed(given: pd.DataFrame, label: str, words: str) -> None:
    axes = plots.live_times(given)
    assert label in [text.get_text().strip() for text in axes.texts]
    assert sentence(axes).endswith(f": {words}.")
