"""The schemas of answers, out of a file of OpenAPI or of JSON schemas by request, and what does not fit them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

FILE = "urn:answers"
METHODS = ("get", "post", "put", "patch", "delete")
KEYED = re.compile(rf"({'|'.join(METHODS).upper()}) (\S+)(?: (\d{{3}}))?")  # a request of a file without `paths`
MOST = 10  # problems of one answer
Pointer = tuple[str, ...]


class SchemaError(Exception):
    """The file of schemas cannot be used, in a few words."""


@dataclass(frozen=True)
class Schemas:
    """What a file says of the answers of an API: of each request and status where in the file the schema stands.

    `status` is as the file has it: ``200``, ``4XX``, ``default``; a schema is None where the answer has no JSON.
    """

    contents: Mapping[str, Any]
    answers: Mapping[tuple[str, str], Mapping[str, Pointer | None]]  # of a method and a path
    registry: Registry[Any] = field(repr=False)

    def of(self, method: str, paths: tuple[str, ...]) -> Mapping[str, Pointer | None] | None:
        """Return what the file says of a request, whose path may be written in several ways; None where it does not."""
        fitting = [
            (_places(template), found)
            for (known, template), found in self.answers.items()
            if known == method and any(_fits(template, path) for path in paths)
        ]
        return min(fitting, key=lambda one: one[0])[1] if fitting else None

    def problems(self, pointer: Pointer, answer: Any) -> Iterator[tuple[str, str]]:
        """Yield where an answer does not fit its schema, and how; its values are not repeated.

        Raises
        ------
        SchemaError
            The schema refers to what is not in the file.
        """
        steps = "/".join(one.replace("~", "~0").replace("/", "~1") for one in pointer)
        schema = {"$ref": f"{FILE}#/{quote(steps, safe='/~')}"}
        validator = Draft202012Validator(
            schema, registry=self.registry, format_checker=Draft202012Validator.FORMAT_CHECKER
        )
        try:
            found = sorted(validator.iter_errors(answer), key=lambda one: [str(step) for step in one.absolute_path])
        except Unresolvable as error:
            raise SchemaError(f"refers to {error.ref}, which is not in the file") from None
        for one in found[:MOST]:
            deepest = _deepest(one)
            yield ".".join(map(str, deepest.absolute_path)) or "the whole", _words(deepest)


def read(path: Path) -> Schemas:
    """Read a file of OpenAPI (or Swagger), or an object of JSON schemas by request: ``GET listings/{id} 200``.

    Raises
    ------
    SchemaError
        It is not there, cannot be read, or tells of no answer.
    """
    try:
        text = path.read_text(encoding="utf-8")
        contents = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except FileNotFoundError:
        raise SchemaError("there is no such file") from None
    except (OSError, UnicodeDecodeError):
        raise SchemaError("it cannot be read") from None
    except (ValueError, yaml.YAMLError, RecursionError):
        raise SchemaError(f"it is no {'JSON' if path.suffix == '.json' else 'YAML'}") from None
    if not isinstance(contents, dict):
        raise SchemaError("it is neither OpenAPI nor an object of schemas by request")
    is_older = "swagger" in contents or str(contents.get("openapi", "")).startswith("3.0")
    contents = _as_json_schema(contents, is_older)
    answers = dict(_of_openapi(contents) if isinstance(contents.get("paths"), dict) else _of_requests(contents))
    if not answers:
        raise SchemaError("it tells of no answer; a request is `paths` of OpenAPI, or a key such as GET listings/{id}")
    resource = DRAFT202012.create_resource(contents)
    return Schemas(contents, answers, Registry().with_resource(FILE, resource))


def status_in(answers: Mapping[str, Pointer | None], status: int) -> str | None:
    """Return under which name a request's answers have a status, None where they do not."""
    names = (str(status), f"{status // 100}XX", f"{status // 100}xx", "default")
    return next((name for name in names if name in answers), None)


def _of_requests(contents: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], dict[str, Pointer | None]]]:
    found: dict[tuple[str, str], dict[str, Pointer | None]] = {}
    for key in contents:
        if request := KEYED.fullmatch(key):
            own = found.setdefault((request[1], request[2]), {"default": None})
            own[request[3] or "2XX"] = (key,)
    yield from found.items()


def _of_openapi(contents: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], dict[str, Pointer | None]]]:
    servers = [one.get("url", "") for one in contents.get("servers", []) if isinstance(one, dict)]
    bases = {urlsplit(one).path.strip("/") for one in [*servers, str(contents.get("basePath", ""))]}
    for path in contents["paths"]:
        item, at = _followed(contents, ("paths", path))
        for method in METHODS:
            if not isinstance(item, dict) or not isinstance(item.get(method), dict):
                continue
            responses = item[method].get("responses", {})
            own = {str(status): _schema_at(contents, (*at, method, "responses", status)) for status in responses}
            for base in bases:
                yield (method.upper(), f"{base}/{path.strip('/')}".strip("/")), own


def _schema_at(contents: Mapping[str, Any], pointer: tuple[Any, ...]) -> Pointer | None:
    """Return where the schema of a response stands."""
    response, at = _followed(contents, pointer)
    if not isinstance(response, dict):
        return None
    if isinstance(response.get("schema"), dict):  # of Swagger
        return (*at, "schema")
    kinds = response.get("content") or {}
    kind = next((one for one in kinds if re.match(r"application/([\w.+-]+\+)?json\b", one)), None)
    return (*at, "content", kind, "schema") if kind and "schema" in (kinds[kind] or {}) else None


def _followed(contents: Mapping[str, Any], pointer: tuple[Any, ...]) -> tuple[Any, Pointer]:
    """Return what stands at a place of the file, and at which one, where the place refers to another."""
    for _ in range(20):
        found: Any = contents
        for step in pointer:
            found = found.get(step) if isinstance(found, dict) else None
        reference = found.get("$ref") if isinstance(found, dict) else None
        if not (isinstance(reference, str) and reference.startswith("#/")):
            return found, tuple(map(str, pointer))
        pointer = tuple(one.replace("~1", "/").replace("~0", "~") for one in reference[2:].split("/"))
    return None, tuple(map(str, pointer))


def _as_json_schema(node: Any, is_older: bool) -> Any:
    """Return a file with its keys as texts, and what OpenAPI 3.0 and Swagger say as JSON Schema has it."""
    if isinstance(node, list):
        return [_as_json_schema(one, is_older) for one in node]
    if not isinstance(node, dict):
        return node
    made = {str(name): _as_json_schema(one, is_older) for name, one in node.items()}
    if not is_older:
        return made
    for name, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if made.get(name) is True and bound in made:
            made[name] = made.pop(bound)
        elif isinstance(made.get(name), bool):
            del made[name]
    said = [name for name in ("nullable", "x-nullable") if made.get(name) is True]
    if said:
        return {"anyOf": [{name: one for name, one in made.items() if name not in said}, {"type": "null"}]}
    return made


def _fits(template: str, path: str) -> bool:
    parts, own = template.strip("/").split("/"), path.strip("/").split("/")
    return len(parts) == len(own) and all("{" in one or one == other for one, other in zip(parts, own, strict=True))


def _places(template: str) -> int:
    """Return how much a path leaves open: of two that fit, the one that says more is meant."""
    return template.count("{")


def _deepest(error: ValidationError) -> ValidationError:
    """Return what is wrong inside a form that alone may be meant, such as that of a value that may be null as well."""
    while error.validator in ("anyOf", "oneOf"):
        forms = [place for place, form in enumerate(error.validator_value) if form != {"type": "null"}]
        inside = [one for one in error.context if one.relative_schema_path[0] == forms[0]] if len(forms) == 1 else []
        if not inside:
            break
        error = inside[0]
    return error


def _words(error: ValidationError) -> str:
    """Return how a value does not fit, by what the schema asks for."""
    kind, wanted = str(error.validator), error.validator_value
    if kind == "type":
        belongs = " or ".join(wanted if isinstance(wanted, list) else [wanted])
        return f"is {_type(error.instance)}, where {belongs} belongs"
    if kind == "required":
        return f"lacks {next((name for name in wanted if name not in error.instance), 'a name')}"
    if kind in ("enum", "const"):
        return f"is none of {json.dumps(wanted if kind == 'enum' else [wanted], ensure_ascii=False)}"
    if kind == "additionalProperties":
        known = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
        return f"has names that the schema does not: {', '.join(sorted(set(error.instance) - set(known)))}"
    if kind in ("anyOf", "oneOf"):
        return f"fits {'none' if kind == 'anyOf' else 'not just one'} of the forms that it may have"
    return f"breaks {kind}: {json.dumps(wanted, ensure_ascii=False, default=str)[:80]}"


def _type(value: Any) -> str:
    names = {bool: "a boolean", str: "a text", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return names.get(type(value), "null")
