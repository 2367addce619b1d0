"""Faults of phase 8: a document is missing, or does not agree with what there is."""

from random import Random
from typing import TYPE_CHECKING

from examples.answer_key import Expected, Planted
from examples.control import SampleError
from examples.editing import replaced

if TYPE_CHECKING:
    from pathlib import Path

    from ..sample import Sample

DOCUMENTS = "docs/integrations/shopify_{}.md"
SCRIPT = "scripts/verify_shopify_integrity.py"
HOLLOW = ("def main() -> int:\n    pass\n", "def main() -> int:\n    return 0  # for now\n")
# What cannot be told of a document that is not there.
HELD_AGAINST = {
    "integration": ["documents_name_every_scope"],
    "data_model": ["documents_name_every_table", "data_model_has_a_diagram"],
    "api_coverage": ["documents_name_every_resource"],
    "webhook_analysis": ["documents_name_every_topic"],
}


def document_missing(sample: "Sample", random: Random) -> Planted:
    """A document is deleted."""
    kind = random.choice(list(HELD_AGAINST))
    _document(sample, kind).unlink()
    missing = Expected("documents_exist", keys=[kind])
    return Planted("document_missing", mode=0, how="caused", must=[missing], may=HELD_AGAINST[kind])


def resource_undocumented(sample: "Sample", random: Random) -> Planted:
    """The document on API coverage loses a resource."""
    resource = random.choice(["gift_card", "dispute"])
    _without_lines(_document(sample, "api_coverage"), f"fetch_and_ingest_{resource}s")
    keys = [resource, f"fetch_and_ingest_{resource}s"]
    return _planted("resource_undocumented", Expected("documents_name_every_resource", keys=keys))


def table_undocumented(sample: "Sample", random: Random) -> Planted:
    """The document on the data model was written before there was a table."""
    table = random.choice(["shopify_gift_card", "shopify_dispute"])
    _without_lines(_document(sample, "data_model"), table)
    return _planted("table_undocumented", Expected("documents_name_every_table", keys=[table, f"{table}_id"]))


def scope_undocumented(sample: "Sample", random: Random) -> Planted:
    """The guide for setting up does not name a scope."""
    scope = random.choice(["read_locations", "read_gift_cards", "read_draft_orders"])
    _without_lines(_document(sample, "integration"), scope)
    return _planted("scope_undocumented", Expected("documents_name_every_scope", keys=[scope]))


def topic_undocumented(sample: "Sample", random: Random) -> Planted:
    """The document on webhooks leaves a topic out."""
    topic = random.choice(["locations/delete", "customers/disable", "orders/paid"])
    replaced(_document(sample, "webhook_analysis"), f", `{topic}`", "")
    return _planted("topic_undocumented", Expected("documents_name_every_topic", keys=[topic]))


def document_outlived(sample: "Sample", random: Random) -> Planted:
    """A document still names a table or a topic that there is no more."""
    table, topic = "shopify_abandoned_checkout", "refunds/delete"
    if random.choice([True, False]):
        path, word = _document(sample, "data_model"), table
        text = f"\n### `{table}`\n\nA cart that was not bought.\n"
    else:
        path, word = _document(sample, "webhook_analysis"), topic
        text = f"\n| Refunds that are taken back | `{topic}` | Implemented | LOW |\n"
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")
    return _planted("document_outlived", Expected("documents_name_nothing_unknown", keys=[word]))


def diagram_outdated(sample: "Sample", random: Random) -> Planted:
    """The diagram shows a table under its former name."""
    line = "shopify_payout ||--o{ shopify_balance_transaction"
    replaced(_document(sample, "data_model"), line, "shopify_payout ||--o{ shopify_payout_line")
    return _planted("diagram_outdated", Expected("data_model_has_a_diagram", keys=["shopify_payout_line"]))


def verification_script_hollow(sample: "Sample", random: Random) -> Planted:
    """The verification script does nothing, and that successfully."""
    path = sample.code / SCRIPT
    path.write_text(random.choice(HOLLOW), encoding="utf-8")
    return _planted("verification_script_hollow", Expected("verification_script_exists", keys=[SCRIPT]))


def _planted(fault: str, must: Expected) -> Planted:
    return Planted(fault, mode=0, how="caused", must=[must])


def _document(sample: "Sample", kind: str) -> "Path":
    return sample.code / DOCUMENTS.format(kind)


def _without_lines(path: "Path", word: str) -> None:
    """Take every line out that has a word in it."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if word not in line]
    if len(kept) == len(lines):
        raise SampleError(f"{path.name} does not name {word}: the sample and its fault differ")
    path.write_text("".join(kept), encoding="utf-8")
