"""Reads a parameter file: YAML with places, so that every mistake is named by file, line and column."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from dsaudit.parameters import mistakes
from dsaudit.parameters.models import Parameters
from dsaudit.parameters.section import Misplaced

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
    hint = mistakes.meant(f"parameters/{given.name}", known)
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
    parameters, places, values = _read(path, Parameters, overrides or {}, {"path": path})
    parameters = parameters.as_given(values)
    sections = ("code", "documents") if is_recorded else ("code", "documents", "source")
    problems = [*_absent_folders(parameters, label, places, sections)]
    if problems:
        raise ParameterError("\n".join(problems))
    return parameters


def read(path: Path, model: type[M], **more: object) -> M:
    """Read and check a YAML file of another kind, with the same care; the values of `more` are not for it to give.

    Raises
    ------
    ParameterError
        The file is no YAML, or says something that `model` does not know: every fault, one a line.
    """
    return _read(path, model, {}, more)[0]


def _read(
    path: Path, model: type[M], overrides: Mapping[str, str], more: Mapping[str, object]
) -> tuple[M, dict[Path_, yaml.Mark], dict[str, Any]]:
    label = _label(path)
    document = _compose(path, label)
    problems = [f"{label}:{_place(mark)}: {words}" for mark, words in _mistakes(document)]
    if problems:
        raise ParameterError("\n".join(problems))
    places = dict(_places(document, ()))
    values: Any = yaml.constructor.SafeConstructor().construct_document(document)
    if not isinstance(values, dict):
        needed = [name for name, field in model.model_fields.items() if field.is_required() and name not in more]
        raise ParameterError(f"{label}:1:1: keys with values are expected, such as {' and '.join(needed or ['name'])}")
    for key, value in overrides.items():
        _override(values, key, value)
    strange = [f"{label}:{_place(places.get((name,)))}: {name}: unknown key" for name in more if name in values]
    if strange:
        raise ParameterError("\n".join(strange))
    try:
        return model.model_validate({**values, **more}), places, values
    except ValidationError as error:
        raise ParameterError("\n".join(_sentences(error, label, places, overrides, model, more))) from None


def place_of(path: Path, keys: Path_) -> str:
    """Return where something stands in a parameter file that was loaded: ``file:line:column: resources.order.read``."""
    label = _label(path)
    mark = _nearest(dict(_places(_compose(path, label), ())), keys)
    return f"{label}:{_place(mark)}: {_dotted(keys).removesuffix(': ')}"


def _nearest(places: dict[Path_, yaml.Mark], keys: Path_) -> yaml.Mark | None:
    """Return the place of the keys, of the default that stands for them, or of the innermost section around them."""
    keys = _written(places, keys)
    return next((places[keys[:end]] for end in range(len(keys), 0, -1) if keys[:end] in places), None)


def _written(places: Collection[Path_], keys: Path_) -> Path_:
    """Return the keys as the file has them: what a resource does not say itself stands under the defaults."""
    is_default = keys[:1] == ("resources",) and keys[:3] not in places and ("defaults", *keys[2:3]) in places
    return ("defaults", *keys[2:]) if is_default and keys[2:] else keys


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
    _keep_keys(node)
    return node


def _keep_keys(node: yaml.Node) -> None:
    """Let keys such as `on` and `off` be the words that stand there, and not true and false."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            key.tag = "tag:yaml.org,2002:str" if key.tag == "tag:yaml.org,2002:bool" else key.tag
            _keep_keys(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _keep_keys(item)


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
    given: Collection[str],
) -> Iterator[str]:
    set_here = {tuple(key.split(".")): key for key in overrides}
    there: set[Path_] = {*places, *(keys[:end] for keys in set_here for end in range(1, len(keys) + 1))}
    found = [(_location(problem, there), problem) for problem in error.errors()]
    deeper = {location[:end] for location, _ in found for end in range(len(location))}
    told: list[tuple[Path_, Any]] = []
    for location, problem in found:
        shown = _written(there, location)
        if any(keys == shown and value is problem["input"] for keys, value in told):
            continue  # what is wrong for one branch of a union, or one resource, is so for the others
        if problem["type"] == "string_type" and location in deeper:
            continue  # another branch of the union says what is wrong inside
        told.append((shown, problem["input"]))
        by = next((key for keys, key in set_here.items() if location[: len(keys)] == keys), None)
        where = f"--set {by}: " if by else f"{label}:{_place(_nearest(places, location))}: {_dotted(shown)}"
        yield where + mistakes.words(problem, location, model, given)


def _location(problem: Any, there: Collection[Path_]) -> Path_:
    """Return where a mistake stands: what pydantic adds to it, the names of a union's branches, is left out."""
    location: Path_ = ()
    is_told_outside = problem["type"] in ("missing", "extra_forbidden")  # by the section around it
    for part in problem["loc"]:
        for key in (part, str(part)):  # a key that YAML reads as a number or a day is there as it is written
            if is_told_outside or _written(there, (*location, key)) in there:
                location = (*location, key)
                break
    cause = problem.get("ctx", {}).get("error")
    return (*location, *cause.keys) if isinstance(cause, Misplaced) else location


def _dotted(location: Path_) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return f"{text.lstrip('.')}: " if text else ""
