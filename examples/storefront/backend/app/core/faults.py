"""Switches that make this backend misbehave, so that an audit of it has something to find.

Each switch is read in the code path it spoils; without a value the path is right. The table of names, values and
places is in docs/integrations/shopify_integration.md.
"""

from typing import Any

from app.core.config import get_settings

NAMES = frozenset(
    {
        "page_limit",
        "skip_refinement",
        "refine_error",
        "no_signature_check",
        "store_before_verifying",
        "fail_on_forgeries",
        "dedupe_any_version",
        "store_duplicates",
        "stale_overwrite",
        "same_second_dropped",
        "truncate_children",
        "ignore_deletes",
        "wrong_tenant",
        "money_divided",
        "timezone_dropped",
        "slow_refinement",
        "page_size",
        "payouts_alone",
        "answer_before_storing",
        "errors_forgotten",
        "childless_deletes",
        "partial_key",
        "hash_recipe",
        "float_amounts",
        "large_numbers_dropped",
        "texts_stripped",
        "texts_composed",
        "default_filter",
        "updated_since",
        "created_since",
        "paged_by_time",
        "resumed_deletions",
        "updates_need_a_row",
        "most_children",
    }
)

_active: dict[str, Any] = {}


def load() -> None:
    _active.clear()
    change(get_settings().faults)


def change(values: dict[str, Any]) -> dict[str, Any]:
    """Set the named switches, clear those given as null, and return what is on now."""
    unknown = values.keys() - NAMES
    if unknown:
        raise ValueError(f"no such fault: {', '.join(sorted(unknown))}; there are: {', '.join(sorted(NAMES))}")
    for name, value in values.items():
        if value is None:
            _active.pop(name, None)
        else:
            _active[name] = value
    return dict(_active)


def value_of(name: str) -> Any:
    """The switch's value, None when it is off."""
    return _active.get(name)


def names(name: str, item: str) -> bool:
    """Whether a switch concerns an item: its value is true (everything), the item, or a list that holds it."""
    value = _active.get(name)
    if value is None or isinstance(value, bool):
        return bool(value)
    listed = value if isinstance(value, list) else [value]
    return item in map(str, listed)
