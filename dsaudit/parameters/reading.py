"""Reads a parameter file: YAML with places, so that every mistake is named by file, line and column."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from dsaudit.parameters.models import Parameters
from dsaudit.parameters.section import NAME, Misplaced
from dsaudit.wording import did_you_mean

Path_ = tuple[str | int, ...]
LARGEST_FILE = 1_000_000  # bytes; such a file is written by hand
DEEPEST = 100  # sections within sections; what is made of them is built by functions that call themselves
# The parser of libyaml, where there is one, reads ten times as fast as Python's: every kernel reads the file.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
M = TypeVar("M", bound=BaseModel)


class ParameterError(Exception):
    """The parameter file cannot be used; each line of the message is ``file:line:column: key: what is wrong``."""


def project_root(start: Path | None = None) -> Path:
    """Return the nearest folder at or above `start` (the current one) that has ``notebooks`` and ``parameters``.

    Without one, the folder that this package was installed from.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "notebooks").is_dir() and (folder / "parameters").is_dir():
            return folder
    return Path(__file__).resolve().parents[2]


def find(system: str | Path) -> Path:
    """Return the path of a parameter file given as the user wrote it.

    Looked up in the current folder, then from the project's root: a notebook opened by hand runs in its own folder.

    Raises
    ------
    ParameterError
        There is no such file.
    """
    given = Path(system)
    for candidate in (given, project_root() / given):
        if candidate.is_file():
            return candidate.resolve()
        if candidate.is_dir():
            raise ParameterError(f"{given}: this is a folder; name the parameter file in it")
    known = sorted(f"parameters/{path.name}" for path in (project_root() / "parameters").glob("*.yml"))
    hint = _meant(f"parameters/{given.name}", known)
    raise ParameterError(f"{given}: there is no such parameter file{hint}")


def load(system: str | Path, overrides: Mapping[str, str] | None = None, is_recorded: bool = False) -> Parameters:
    """Read and check the parameter file `system`, with `overrides` (dotted key, value as YAML) laid over it.

    A source that `is_recorded` already is not asked, so its folder need not be there any more.

    Raises
    ------
    ParameterError
        The file is missing, is no YAML, or says something that dsaudit does not understand: every fault, one a line.
    """
    path = find(system)
    label = _label(path)
    parameters, places = _read(path, Parameters, overrides or {}, {"path": path})
    sections = ("code", "documents") if is_recorded else ("code", "documents", "source")
    problems = [*_absent_folders(parameters, label, places, sections)]
    if problems:
        raise ParameterError("\n".join(problems))
    return parameters


def read(path: Path, model: type[M]) -> M:
    """Read and check a YAML file of another kind, with the same care.

    Raises
    ------
    ParameterError
        The file is no YAML, or says something that `model` does not know: every fault, one a line.
    """
    return _read(path, model, {}, {})[0]


def _read(
    path: Path, model: type[M], overrides: Mapping[str, str], more: Mapping[str, object]
) -> tuple[M, dict[Path_, yaml.Mark]]:
    label = _label(path)
    document = _compose(path, label)
    problems = [f"{label}:{_place(mark)}: {words}" for mark, words in _mistakes(document)]
    if problems:
        raise ParameterError("\n".join(problems))
    places = dict(_places(document, ()))
    values: Any = yaml.constructor.SafeConstructor().construct_document(document)
    if not isinstance(values, dict):
        needed = [name for name, field in model.model_fields.items() if field.is_required() and name != "path"]
        raise ParameterError(f"{label}:1:1: keys with values are expected, such as {' and '.join(needed or ['name'])}")
    for key, value in overrides.items():
        _override(values, key, value)
    try:
        return model.model_validate({**values, **more}), places
    except ValidationError as error:
        raise ParameterError("\n".join(_sentences(error, label, places, overrides, model))) from None


def place_of(path: Path, keys: Path_) -> str:
    """Return where something stands in a parameter file that was loaded: ``file:line:column: resources.order.read``."""
    label = _label(path)
    mark = _nearest(dict(_places(_compose(path, label), ())), keys)
    return f"{label}:{_place(mark)}: {_dotted(keys).removesuffix(': ')}"


def _nearest(places: dict[Path_, yaml.Mark], keys: Path_) -> yaml.Mark | None:
    """Return the place of the keys, of the default that stands for them, or of the innermost section around them."""
    if keys[:1] == ("resources",) and keys[:3] not in places and ("defaults", *keys[2:3]) in places:
        keys = ("defaults", *keys[2:])
    return next((places[keys[:end]] for end in range(len(keys), 0, -1) if keys[:end] in places), None)


def _absent_folders(
    parameters: Parameters, label: str, places: dict[Path_, yaml.Mark], sections: Sequence[str]
) -> Iterator[str]:
    """Yield a line for each folder that the file names and that is not there: its checks would find nothing wrong."""
    for section in sections:
        given = getattr(getattr(parameters, section), "folder", None)
        if section == "source" and parameters.source and parameters.source.is_remote:
            continue
        if given and not parameters.folder(given).is_dir():
            mark = places.get((section, "folder"))
            path = os.path.relpath(parameters.folder(given))
            told = "" if path == os.path.normpath(given) else f", that is {path}: it starts above the file's own folder"
            yield f"{label}:{_place(mark)}: {section}.folder: there is no folder {given}{told}"


def _override(values: dict[str, Any], key: str, value: str) -> None:
    *parents, last = key.split(".")
    for part in parents:
        inner = values.setdefault(part, {})
        if not isinstance(inner, dict):
            raise ParameterError(f"--set {key}: {part} is no section of the parameter file")
        values = inner
    try:
        values[last] = yaml.safe_load(value)
    except (yaml.YAMLError, ValueError, TypeError):
        raise ParameterError(f"--set {key}: the value is not YAML") from None


def _label(path: Path) -> str:
    try:
        return path.relative_to(Path.cwd()).as_posix()
    except ValueError:
        return os.path.relpath(path)


def _compose(path: Path, label: str) -> yaml.Node:
    if path.stat().st_size > LARGEST_FILE:
        raise ParameterError(f"{label}: larger than {LARGEST_FILE} bytes; such a file is written by hand")
    try:
        text = path.read_text(encoding="utf-8")
        depth = 0
        for event in yaml.parse(text, Loader=LOADER):
            # An alias can multiply itself into gigabytes, and a merged mapping is hard to review.
            if getattr(event, "anchor", None):
                raise ParameterError(f"{label}:{_place(event.start_mark)}: anchors and aliases are not used here")
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST:
                where = f"{label}:{_place(event.start_mark)}"
                raise ParameterError(f"{where}: nested too deep; such a file is written by hand")
        node: yaml.Node | None = yaml.compose(text, Loader=LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ParameterError(f"{label}:{_place(mark)}: not YAML: {error.problem or error.context}") from None
    except UnicodeDecodeError:
        raise ParameterError(f"{label}:1:1: not YAML: the file is not UTF-8 text") from None
    except yaml.YAMLError as error:
        raise ParameterError(f"{label}:1:1: not YAML: {str(error).splitlines()[0]}") from None
    if node is None:
        raise ParameterError(f"{label}:1:1: the file is empty")
    return node


def _places(node: yaml.Node, path: Path_) -> Iterator[tuple[Path_, yaml.Mark]]:
    """Yield the path and the place of every key and item; for a key, the place of the key itself."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*path, str(key.value)), key.start_mark
            yield from _places(value, (*path, str(key.value)))
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield (*path, index), item.start_mark
            yield from _places(item, (*path, index))


def _place(mark: Any) -> str:
    return f"{mark.line + 1}:{mark.column + 1}" if mark else "1:1"


def _mistakes(node: yaml.Node) -> Iterator[tuple[yaml.Mark, str]]:
    """Yield what YAML lets pass and nobody can mean: a key that stands twice or is no word, a day that is none."""
    if node.tag not in yaml.SafeLoader.yaml_constructors:
        yield node.start_mark, f"{node.tag}: tags are not used here"
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                yield key.start_mark, "a key is a word, not a list or a mapping"
            elif key.value in seen:
                yield key.start_mark, f"{key.value}: given twice"
            seen.add(str(key.value))
            yield from _mistakes(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _mistakes(item)
    else:
        try:
            yaml.SafeLoader("").construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            yield node.start_mark, f"{node.value}: cannot be read: {str(error).splitlines()[0]}"


def _sentences(
    error: ValidationError,
    label: str,
    places: dict[Path_, yaml.Mark],
    overrides: Mapping[str, str],
    model: type[BaseModel],
) -> Iterator[str]:
    told: list[tuple[Path_, Any]] = []
    for problem in error.errors():
        # Pydantic adds the names of union branches to a location; what the file does not have is left out.
        location: Path_ = ()
        for part in problem["loc"]:
            if (*location, part) in places or problem["type"] in ("missing", "extra_forbidden"):
                location = (*location, part)
        cause = problem.get("ctx", {}).get("error")
        if isinstance(cause, Misplaced):
            location = (*location, *cause.keys)
        if any(there == location and value is problem["input"] for there, value in told):
            continue  # what is wrong for one branch of a union is so for the others
        told.append((location, problem["input"]))
        mark = _nearest(places, location)
        set_here = next((key for key in overrides if location == tuple(key.split("."))), None)
        where = f"--set {set_here}: " if set_here else f"{label}:{_place(mark)}: {_dotted(location)}"
        yield where + _what(problem, location, model)


def _dotted(location: Path_) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return f"{text.lstrip('.')}: " if text else ""


def _what(problem: Any, location: Path_, model: type[BaseModel]) -> str:
    if problem["type"] == "missing":
        return "missing; it has to be given"
    if problem["type"] == "extra_forbidden":
        known = _known_keys(model, location[:-1])
        listed = f"known here: {', '.join(known)}" if known else ""
        return f"unknown key{_meant(str(location[-1]), known, listed)}"
    if problem["type"] == "model_type":
        return f"a section with keys of its own is expected here: {', '.join(_known_keys(model, location))}"
    if problem["type"] == "literal_error" and isinstance(problem["input"], str):
        words = re.findall(r"'([^']*)'", problem["ctx"]["expected"])
        return f"{problem['input']!r} is not one of {', '.join(words)}{_meant(problem['input'], words)}"
    if problem["type"] == "string_type":
        return f"a text is expected, {_instead(problem['input'])}"
    if problem["type"] == "string_pattern_mismatch" and problem["ctx"]["pattern"] == NAME:
        return f"{problem['input']!r} is no name; small letters, digits, - and _ make one, a letter first"
    message = str(problem["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return message[0].lower() + message[1:]


def _meant(given: str, known: Iterable[str], otherwise: str = "") -> str:
    hint = did_you_mean(given, known, otherwise)
    return f"; {hint}" if hint else ""


def _instead(value: Any) -> str:
    """Return what stands where a text should, as YAML reads it."""
    if value is None:
        return "and nothing stands here"
    if isinstance(value, (list, dict)):
        return "not a list or a section"
    if isinstance(value, bool):
        return "and YAML reads this as true or false, as it does yes, no, on and off; put it in quotes"
    return f"and YAML reads this as a {'number' if isinstance(value, (int, float)) else 'date'}; put it in quotes"


def _known_keys(model: Any, location: Path_) -> list[str]:
    """Return the keys that the model at `location` in `model` takes, for the hint at an unknown one."""
    for part in location:
        field = getattr(model, "model_fields", {}).get(part) if isinstance(part, str) else None
        model = _model_in(field.annotation) if field is not None else model
    return sorted(name for name in getattr(model, "model_fields", {}) if name != "path")


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _model_in(argument)
        if found is not None:
            return found
    return None
