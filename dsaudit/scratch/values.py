"""Values for a column as SQL in ``i``, the row's number: new in each row, or candidates for its constraints."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from dsaudit.scratch.model import Column, literal

INTEGERS = {"int2": 32_000, "int4": 2_000_000_000, "int8": 10**18, "oid": 2_000_000_000}
NUMBERS = {*INTEGERS, "numeric", "float4", "float8", "money"}
TEXTS = {"text", "varchar", "bpchar", "name"}
TIMES = {"date": "1 day", "timestamp": "1 second", "timestamptz": "1 second"}
EPOCH = "2024-01-01"
LETTERS = ("abcdefghij", "ABCDEFGHIJ")
GENERIC = [
    "EUR",
    "DE",
    "de",
    "A",
    "a",
    "1",
    "+4915112345678",
    "{}",
    "[]",
    "127.0.0.1",
    "2024-01-01",
    "de-DE",
    "a.example",
    "#aabbcc",
    "AB-1234",
    "1.2.3",
    "dsaudit",
]
_OTHERS = {
    "bool": "i % 2 = 0",
    "time": "time '00:00' + (i % 86400) * interval '1 second'",
    "timetz": "(time '00:00' + (i % 86400) * interval '1 second')::timetz",
    "interval": "i * interval '1 second'",
    "json": "json_build_object('n', i)",
    "jsonb": "jsonb_build_object('n', i)",
    "inet": "inet '10.0.0.0' + i",
    "cidr": "host(inet '10.0.0.0' + i)::cidr",
    "macaddr": "('0200' || lpad(to_hex(i), 8, '0'))::macaddr",
    "macaddr8": "('02000000' || lpad(to_hex(i), 8, '0'))::macaddr8",
    "bytea": "decode(lpad(to_hex(i), 16, '0'), 'hex')",
    "xml": "('<n>' || i || '</n>')::xml",
    "tsvector": "to_tsvector('simple', i::text)",
    "tsquery": "to_tsquery('simple', i::text)",
    "point": "point(i, 0)",
    "box": "box(point(i, 0), point(i + 0.5, 1))",
    "lseg": "lseg(point(i, 0), point(i + 0.5, 1))",
    "line": "line(point(i, 0), point(i + 0.5, 1))",
    "path": "path(polygon(box(point(i, 0), point(i + 0.5, 1))))",
    "polygon": "polygon(box(point(i, 0), point(i + 0.5, 1)))",
    "circle": "circle(point(i, 0), 0.25)",
}


def fresh(column: Column, seed: int, number: str = "i") -> str | None:
    """Return an expression that is another value in each row as far as the type allows; None for a type unknown."""
    if column.is_array:
        element = fresh(replace(column, is_array=False), seed, number)
        return element and f"array[{element}]::{column.storage}"
    base, given = column.base, f"({number})"
    if column.kind == "e":
        labels = ", ".join(map(literal, column.labels))
        return f"((array[{labels}])[1 + {given} % {len(column.labels)}])::{base}"
    if column.kind in ("r", "m") and column.part:
        return _range(column, given)
    if base in INTEGERS:
        return f"({given} % {INTEGERS[base]})::{base}"
    if base in NUMBERS:
        return _number(column, given)
    if base in TEXTS or base.endswith("citext"):
        return _text(column, seed, given)
    if base in TIMES:
        day = f"{given} % 36500" if base == "date" else given
        return f"({base} '{EPOCH}' + ({day}) * interval '{TIMES[base]}')::{base}"
    if base == "uuid":
        return f"md5({literal(f'{seed} {column.name} ')} || {given})::uuid"
    if base in ("bit", "varbit"):
        return f"{given}::bit({column.modifier if column.modifier > 0 else 64 if base == 'varbit' else 1})::{base}"
    known = _OTHERS.get(base)
    return known and re.sub(r"\bi\b", lambda _: given, known)


def _range(column: Column, given: str) -> str | None:
    part = replace(column, base=str(column.part), kind="b", modifier=-1, part=None, domain=None)
    bases = {"integer": "int4", "bigint": "int8", "timestamp without time zone": "timestamp"}
    bases["timestamp with time zone"] = "timestamptz"
    part = replace(part, base=bases.get(part.base, part.base))
    low, high = fresh(part, 1, f"{given} * 10"), fresh(part, 1, f"{given} * 10 + 5")
    return f"{column.base}({low}, {high})" if low and high else None


def _number(column: Column, given: str) -> str:
    if column.base == "money":
        return f"({given} % 1000000)::int::money"
    if column.base != "numeric" or column.modifier < 0:
        return f"{given}::{column.base}"
    precision, scale = (column.modifier - 4) >> 16, (column.modifier - 4) & 0x7FF
    if precision > scale:
        return f"({given} % {10 ** min(precision - scale, 18)})::numeric"
    return f"({given} % {10 ** min(precision, 18)})::numeric / {10**scale}"


def _text(column: Column, seed: int, given: str) -> str:
    length = 63 if column.base == "name" else column.modifier - 4 if column.modifier > 0 else 1000
    if length < 12:
        return f"right(lpad({given}::text, {length}, '0'), {length})"
    word = re.sub(r"[^a-z0-9]+", " ", column.name.lower()).strip()[: length - 11]
    return f"{literal(f'{word} ' if seed == 1 else f'{word[: length - 14]} {seed % 100} ')} || {given}"


def candidates(column: Column, seed: int, expressions: Sequence[str]) -> list[str]:
    """Return expressions that may satisfy, or break, constraints of these texts: that of `fresh` first, null last."""
    texts, numbers = literals(expressions)
    if column.is_array:
        element = replace(column, is_array=False, domain=None, type=column.base, nullable=False)
        inner = candidates(element, seed, expressions)[:24]
        found = [f"array[{one}]" for one in inner]
        found += [f"array[{', '.join([one] * times)}]" for one in inner[:1] for times in (2, 3, 4, 12)] + ["'{}'"]
    elif column.kind == "e":
        found = [str(fresh(column, seed)), *map(literal, column.labels)]
    else:
        found = [one for one in (fresh(column, seed),) if one]
        found += _like(column, seed, texts, numbers)
    if column.default and not column.generated and "nextval(" not in column.default:
        found.append(column.default)
    found.append("null")
    return list(dict.fromkeys(f"({one})::{column.storage}" for one in found))


def literals(expressions: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the strings and the numbers that stand in the texts of constraints."""
    texts: dict[str, None] = {}
    numbers: dict[str, None] = {}
    for expression in expressions:
        for text in re.findall(r"'((?:[^']|'')*)'", expression):
            texts[text.replace("''", "'")] = None
        bare = re.sub(r"\"(?:[^\"]|\"\")*\"|'-?[\d.]+'::|'(?:[^']|'')*'|\[\d+\]", _number_alone, expression)
        for number in re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.])", bare):
            numbers[number] = None
    return list(texts), sorted(numbers, key=float)


def _number_alone(found: re.Match[str]) -> str:
    return f" {found[0][1:-3]} " if found[0].endswith("'::") else " "


def _like(column: Column, seed: int, texts: list[str], numbers: list[str]) -> list[str]:
    base = column.base
    if base in NUMBERS:
        return _numbers(column, numbers)
    if base in TEXTS or base.endswith("citext"):
        return _texts(texts, numbers)
    if base in TIMES:
        return _times(base, texts)
    if base in ("json", "jsonb"):
        pairs = ", ".join(f"{literal(text)}, 1" for text in texts[:20])
        objects = [f"jsonb_build_object({pairs})"] if pairs else []
        return [*objects, "'{}'", "'[]'", "'1'", "'\"text\"'", "'null'", *map(literal, texts)]
    if base == "bool":
        return ["true", "false"]
    generic = {"interval": ["'1 day'", "'0'", "'-1 day'", "'100 years'"], "uuid": [], "inet": ["'127.0.0.1'", "'::1'"]}
    shifted = fresh(column, seed, "i + 1")
    found = [*([shifted] if shifted else []), *generic.get(base, []), *map(literal, texts)]
    return found if fresh(column, seed) else [*found, "'0'", "''", "'{}'", "'()'", "'[]'", "'a'", "'1'"]


def _numbers(column: Column, numbers: list[str]) -> list[str]:
    whole = column.base in INTEGERS
    found = [f"i + {shift}" for shift in (1, 1000)]
    limits = [number for number in numbers if not whole or "." not in number]
    for low, high in pairwise(limits):
        if float(low) < float(high):
            steps = f"(i % ({high} - {low} + 1))" if whole else f"(i % 101) * (({high}) - ({low})) / 100.0"
            found += [f"{low} + {steps}"] + ([] if whole else [f"{low} + ({high} - ({low})) * (1 + i % 98) / 100.0"])
    for number in limits:
        found += [number, f"{number} + 1", f"{number} - 1"]
    return [*found, "1", "0", "-1", "2", "3", "100", "0.5", "-100000", "100000"]


def _texts(texts: list[str], numbers: list[str]) -> list[str]:
    found = [literal(text) for text in texts]
    for number in numbers:
        if number.isdigit() and 0 < int(number) <= 4000:
            found += [f"lpad(i::text, {number}, '0')"]
            found += [f"translate(lpad(i::text, {number}, '0'), '0123456789', '{letters}')" for letters in LETTERS]
            found += [f"repeat('a', {number} + 1)", f"repeat('a', {number} - 1)"]
    found += ["'user' || i || '@example.com'", "'https://example.com/' || i", "i::text", "md5(i::text)"]
    found += [f"translate(i::text, '0123456789', '{letters}')" for letters in LETTERS]
    found += ["'a-' || i", "'a_' || i", "'A-' || i", "md5(i::text)::uuid::text", *map(literal, GENERIC), "''"]
    return found


def _times(base: str, texts: list[str]) -> list[str]:
    found = [f"{base} '{EPOCH}' + (i + {shift}) * interval '{TIMES[base]}'" for shift in (1, 1000)]
    found += [f"{base} '{EPOCH}' + i * interval '1 day'"]
    days = [text for text in texts if re.match(r"\d{4}-\d\d-\d\d", text)]
    for day in days:
        moment = f"{literal(day)}::{base}"
        found += [f"{moment} + (i % {span}) * interval '1 day'" for span in (365, 28, 1)]
        found += [f"{moment} + interval '1 day'", f"{moment} - interval '1 day'"]
    found += ["now() - i * interval '1 minute'", "now() + i * interval '1 day'"]
    return [*found, f"{base} '1900-01-01'", f"{base} '9999-01-01'"]
