"""Small programs as texts: given ones, and random ones to hold what is folded against what Python makes of them."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import strategies as st

from dsaudit.codebase import Code, read_texts

BACKEND = Path(__file__).parent.parent / "examples" / "storefront" / "backend"
TEXTS = st.text(alphabet="abz/_ {}%'\"\\\né", max_size=4)
NUMBERS = st.integers(-5, 5)


def code_of(text: str = "", **others: str) -> Code:
    """Code that consists of main.py and of other files, `app__scopes` standing for app/scopes.py."""
    texts = {f"{name.replace('__', '/')}.py": textwrap.dedent(other) for name, other in others.items()}
    return read_texts({**texts, "main.py": textwrap.dedent(text)})


def sample_code(*changes: tuple[str, str, str]) -> Code:
    """The storefront backend's code, with pieces of text replaced: end of a file's path, old piece, new piece."""
    texts = {path.relative_to(BACKEND).as_posix(): path.read_text() for path in BACKEND.rglob("*.py")}
    for end, old, new in changes:
        (name,) = [name for name in texts if name.endswith(end)]
        assert old in texts[name], f"{end} no longer has this piece: adapt the test"
        texts[name] = texts[name].replace(old, new)
    return read_texts(texts)


@dataclass
class Known:
    """The names that a program has given values so far, by kind."""

    texts: list[str] = field(default_factory=list)
    lists: list[str] = field(default_factory=list)
    mappings: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    count: int = 0

    def new(self, kind: list[str], expression: str) -> None:
        name = f"name_{self.count}"
        self.count += 1
        self.lines.append(f"{name} = {expression}")
        kind.append(name)


@st.composite
def text(draw: st.DrawFn, known: Known, depth: int = 2) -> str:
    kinds = ["constant", "constant"]
    kinds += ["name"] * bool(known.texts) + ["sum", "f-string", "method"] * (depth > 0)
    kinds += ["item"] * bool(known.mappings)
    kind = draw(st.sampled_from(kinds))
    if kind == "name":
        return draw(st.sampled_from(known.texts))
    if kind == "sum":
        return f"({draw(text(known, depth - 1))} + {draw(text(known, depth - 1))})"
    if kind == "f-string":
        inner = draw(st.sampled_from(known.texts)) if known.texts else repr(draw(NUMBERS))
        return f"f'x{{{inner}}}/{{{draw(NUMBERS)}!r}}'"
    if kind == "method":
        method = draw(st.sampled_from(["upper()", "strip('a')", "replace('a', 'b')", "removeprefix('a')"]))
        return f"({draw(text(known, depth - 1))}).{method}"
    if kind == "item":
        return f"{draw(st.sampled_from(known.mappings))}['k']"
    return repr(draw(TEXTS))


@st.composite
def collection(draw: st.DrawFn, known: Known, depth: int = 2) -> str:
    kinds = ["display", "display"]
    if known.lists:
        kinds += ["starred", "comprehension", "filter", "slice"] + ["sum", "pairs", "tuple", "sorted"] * (depth > 0)
    kind = draw(st.sampled_from(kinds))
    one = draw(st.sampled_from(known.lists)) if known.lists else "[]"
    if kind == "sum":
        return f"{draw(collection(known, depth - 1))} + {draw(collection(known, depth - 1))}"
    if kind == "starred":
        return f"[*{one}, {draw(text(known))}, *{one}]"
    if kind == "comprehension":
        return f"[f'{{part}}/x' + {draw(text(known))} for part in {one}]"
    if kind == "pairs":
        other = draw(st.sampled_from(known.lists))
        return f"[part + '.' + action for part in {one} for action in {other}]"
    if kind == "filter":
        return f"[part for part in {one} if part not in ('a', {draw(text(known))}) and not part == '']"
    if kind == "slice":
        return f"{one}[{draw(NUMBERS)}:]"
    if kind == "tuple":
        return f"list(tuple({one}))"
    if kind == "sorted":
        return f"sorted({one})"
    return "[" + ", ".join(draw(st.lists(text(known), max_size=3))) + "]"


@st.composite
def plain_programs(draw: st.DrawFn) -> str:
    """Assignments and additions in one line after another: all of it can be folded."""
    known = Known()
    for _ in range(draw(st.integers(1, 7))):
        kind = draw(st.sampled_from(["text", "list", "mapping"]))
        if kind == "text":
            known.new(known.texts, draw(text(known)))
        elif kind == "list":
            known.new(known.lists, draw(collection(known)))
        else:
            known.new(known.mappings, f"{{'k': {draw(text(known))}, {draw(text(known))}: {draw(text(known))}}}")
    return "\n".join(known.lines)


@st.composite
def wild_programs(draw: st.DrawFn) -> str:
    """The same with second names for one object, changes in place, branches, loops and functions that change things."""
    known = Known()
    known.new(known.texts, draw(text(known)))
    known.new(known.lists, draw(collection(known)))
    for _ in range(draw(st.integers(2, 9))):
        name = draw(st.sampled_from(known.lists))
        other = draw(st.sampled_from(known.lists))
        value = draw(text(known))
        change = draw(
            st.sampled_from(
                [
                    f"{name}.append({value})",
                    f"{name}.extend({other})",
                    f"{name} += [{value}]",
                    f"{name} += {other}",
                    f"{name}.insert(0, {value})",
                    f"if {name}:\n    {name} = [{value}]",
                    f"for part in [1, 2]:\n    {name}.append({value})",
                    f"def change():\n    {name}.append({value})\nchange()",
                    f"def replace():\n    global {name}\n    {name} = [{value}]\nreplace()",
                    f"{name}[:] = [{value}]",
                    f"({name} if {value} else {other}).append({value})",
                    f"held = [{name}]\nheld[0].append({value})",
                    f"held = {{'k': {name}}}\nheld['k'].append({value})",
                    f"first, second = {name}, {other}\nfirst.append({value})",
                    f"{name} = {name} + [{value}]",
                    f"{name} = sorted({name})",
                    "",
                ]
            )
        )
        known.lines.append(change)
        if draw(st.booleans()):
            known.new(known.lists, draw(st.sampled_from([name, f"{name} or {other}", draw(collection(known))])))
        if draw(st.booleans()):
            known.new(known.texts, draw(text(known)))
    return "\n".join(known.lines)
