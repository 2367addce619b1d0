"""Mappings of the code that say why resources have no webhooks, such as ``NO_WEBHOOKS = {"payout": "…"}``."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from dsaudit.codebase.model import Module

# What a mapping is called whose keys are resources without webhooks, and whose values say why.
REASONS = re.compile(
    r"(?:no|without|missing|lack\w*)_(?:\w+_)?(?:web)?hooks?|(?:web)?hook_(?:exceptions?|gaps?)|(?<![a-z])polled(?![a-z])",
    re.IGNORECASE,
)
# What a part of such a value is called, and the words by which a comment would say it.
SAID = {"parent": "synced with", "via": "synced with", "with": "synced with", "workaround": "synced with"}
SAID |= {"verified": "verified:", "verified_on": "verified:", "date": "verified:", "checked": "verified:"}
SAID |= {"source": "source:", "link": "source:", "url": "source:", "docs": "source:"}


def reasons(module: Module) -> Iterator[tuple[str, int, list[str]]]:
    """Yield each resource that such a mapping names, with its line and what is said of it, in a comment's words."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Dict) and _is_named(node):
            for key, value in zip(node.value.keys, node.value.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    said = [*_said(value)]
                    # Any date of a plain text counts: what else would a reason be dated for?
                    yield key.value, key.lineno, [f"verified: {said[0]}"] if len(said) == 1 else said


def _is_named(node: ast.Assign | ast.AnnAssign) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    names = [one.id if isinstance(one, ast.Name) else getattr(one, "attr", "") for one in targets]
    return any(map(REASONS.search, names))


def _said(value: ast.expr, name: str = "") -> Iterator[str]:
    """Yield the texts and dates of a reason, each in the words of a comment by what it is called."""
    if isinstance(value, ast.Dict):
        for key, one in zip(value.keys, value.values, strict=True):
            yield from _said(one, str(key.value) if isinstance(key, ast.Constant) else "")
    elif isinstance(value, ast.Call) and (day := _day(value)):
        yield f"verified: {day}"
    elif isinstance(value, ast.Call):
        for given in [ast.keyword(None, one) for one in value.args] + value.keywords:
            yield from _said(given.value, given.arg or "")
    elif isinstance(value, ast.Tuple | ast.List):
        for one in value.elts:
            yield from _said(one)
    elif isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield f"{SAID.get(name.lower(), '')} {value.value}".strip()


def _day(call: ast.Call) -> str | None:
    """Return the day that ``date(2026, 1, 13)`` makes, or None of any other call."""
    numbers = [one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, int)]
    called = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    return "{}-{:02}-{:02}".format(*numbers) if called == "date" and len(numbers) == 3 else None
