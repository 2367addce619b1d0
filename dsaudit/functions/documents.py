"""Phase 8: are the documents there, and do they agree with what was measured?"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from dsaudit.facts import webhooks
from dsaudit.facts.documents import Document, documents, entities, images, marked_words
from dsaudit.facts.provider import provider_of
from dsaudit.facts.schema import declared_tables
from dsaudit.functions import Found, Row, frames
from dsaudit.parameters.models import Document as Kind

if TYPE_CHECKING:
    from dsaudit.audit import Audit


# What the database calls by a name that starts like the integration's tables: those, and what belongs to them.
NAMES = """
select name from (
  select c.relname::text as name from pg_class as c
  union select o.conname::text from pg_constraint as o
  union select a.attname::text from pg_attribute as a where a.attnum > 0 and not a.attisdropped
  union select p.proname::text from pg_proc as p
) as names where starts_with(name, %(table_prefix)s) order by name
"""


def documents_exist(audit: Audit) -> Found:
    """The four documents of the integration exist.

    why: who is called at night has nothing else, and a document that nobody wrote is missed then
    requirement: DS8.2
    severity: high
    needs: documents
    key: document
    show: document, file, problem
    explains: documents_name_every_resource, documents_name_every_table, documents_name_every_scope,
        documents_name_every_topic, data_model_has_a_diagram
    remedy: write the document, or name its file under `documents.files`
    """
    found = documents(audit.parameters).values()
    rows = [{"document": one.kind, "file": one.name, "problem": one.problem} for one in found if one.problem]
    return _frames(rows, len(found))


def documents_name_every_resource(audit: Audit) -> Found:
    """The document on API coverage names every resource and its sync function.

    why: a type of data that the document leaves out is one that nobody knows to be mirrored, or how
    requirement: DS8.2
    severity: low
    needs: documents, resources
    key: word
    show: word, document, of
    remedy: add the resource with its endpoint, its sync function and its table to the document
    """

    def missing(document: Document) -> Iterator[Row]:
        for name, resource in audit.parameters.resources.items():
            if not document.tells_of(name) and not document.names(_bare(resource.table)):
                yield {"word": name, "of": "a resource"}
            if resource.sync and not document.names(resource.sync):
                yield {"word": resource.sync, "of": f"the sync function of {name}"}

    wanted = len(audit.parameters.resources) + sum(bool(one.sync) for one in audit.parameters.resources.values())
    return _held_against(audit, "api_coverage", missing, wanted)


def documents_name_every_table(audit: Audit) -> Found:
    """The document on the data model names the raw table, every refined table and the columns of its key.

    why: what is read without knowing its key is joined wrongly and counted twice
    requirement: DS8.2
    severity: low
    needs: documents, resources
    key: word
    show: word, document, of
    remedy: add the table or the column to the document
    """
    resources = audit.parameters.resources.values()
    raw = audit.parameters.raw_tables(audit.parameters.resources)
    tables = [_bare(table) for table in dict.fromkeys([*raw, *(resource.table for resource in resources)])]
    keys = {column: _bare(resource.table) for resource in resources for column in resource.key}

    def missing(document: Document) -> Iterator[Row]:
        yield from ({"word": table, "of": "a table"} for table in tables if not document.names(table))
        for column, table in keys.items():
            if not document.names(column):
                yield {"word": column, "of": f"the key of {table}"}

    return _held_against(audit, "data_model", missing, len(tables) + len(keys))


def documents_name_every_scope(audit: Audit) -> Found:
    """The document on the integration names every scope that the resources need.

    why: whoever connects the next tenant grants what the document says, and a scope too few hides data silently
    requirement: DS8.2
    severity: low
    needs: documents, resources
    key: word
    show: word, document, of
    remedy: add the scope to the document, with what is missing without it
    """
    needed: dict[str, list[str]] = {}
    for name, resource in audit.parameters.resources.items():
        for scope in resource.scope:
            needed.setdefault(scope, []).append(name)

    def missing(document: Document) -> Iterator[Row]:
        for scope, names in needed.items():
            if not document.names(scope):
                yield {"word": scope, "of": f"the scope of {', '.join(names)}"}

    return _held_against(audit, "integration", missing, len(needed))


def documents_name_every_topic(audit: Audit) -> Found:
    """The document on webhooks names every wanted topic, and every resource that has none.

    why: the next one to touch the webhooks must know which are there, and which are left out on purpose
    requirement: DS8.2, WH1
    severity: low
    needs: documents, resources
    key: word
    show: word, document, of
    remedy: add the topic, or the resource with the reason and the way in which it is kept up to date
    """

    written = provider_of(audit)[0].written

    def missing(document: Document) -> Iterator[Row]:
        for name, resource in audit.parameters.resources.items():
            for topic in resource.webhooks:
                if not any(map(document.names, written(topic))) and not document.tells_of_topic(name, topic):
                    yield {"word": topic, "of": f"a topic of {name}"}
            if resource.no_webhooks and not document.tells_of(name) and not document.names(_bare(resource.table)):
                yield {"word": name, "of": "a resource without webhooks"}

    resources = audit.parameters.resources.values()
    wanted = sum(len(one.webhooks) + bool(one.no_webhooks) for one in resources)
    return _held_against(audit, "webhook_analysis", missing, wanted)


def documents_name_nothing_unknown(audit: Audit) -> Found:
    """No document names a table or a topic that does not exist.

    why: what was renamed or removed and still stands there sends its readers to look for it
    requirement: DS8.2
    severity: low
    needs: documents
    key: word
    show: word, document, as_a
    remedy: take it out of the document, or correct its name
    """
    names, topics = _names(audit), _topics(audit)
    rows: list[Row] = []
    examined = 0
    for document in documents(audit.parameters).values():
        claimed = {
            "table": [word for word in marked_words(document.prose) if _starts_like_a_table(audit, word)],
            "topic": document.claimed_topics(topics),
        }
        examined += sum(len(words) for words in claimed.values()) + (not document.problem)
        for kind, known in (("table", names), ("topic", topics)):
            unknown = sorted({_bare(word) if kind == "table" else word for word in claimed[kind]} - known)
            rows += [{"word": word, "document": document.name, "as_a": kind} for word in unknown]
    return _frames(rows, examined)


def data_model_has_a_diagram(audit: Audit) -> Found:
    """The document on the data model has a diagram, and what the diagram shows are tables of the integration.

    why: how thirty tables hang together is seen in a picture, and nowhere else
    requirement: DS8.2
    severity: low
    needs: documents, resources
    key: entity
    show: entity, problem
    remedy: draw the tables and their relations, as a mermaid erDiagram in the document or as a picture beside it
    """
    assert audit.parameters.documents is not None
    document = documents(audit.parameters)["data_model"]
    if document.problem:
        return _frames([], 0, f"{document.name}: {document.problem}")
    shown = entities(document)
    if shown is None:
        found = images(document, audit.parameters.folder(audit.parameters.documents.folder))
        problem = "there is neither an erDiagram nor a picture"
        return _frames([] if found else [{"entity": "none", "problem": problem}], 1)
    known = {_plain(name) for name in [*map(_bare, declared_tables(audit.parameters)), *audit.parameters.resources]}
    known |= {_plain(name) for _, name in audit.database.catalogue()}
    unknown = [name for name in shown if _plain(_bare(name)) not in known]
    rows = [{"entity": name, "problem": "no table is called so"} for name in unknown]
    rows += [] if shown else [{"entity": "none", "problem": "the diagram is empty"}]
    return _frames(rows, max(len(shown), 1))


def verification_script_exists(audit: Audit) -> Found:
    """The integration has its own verification script, and the script does something.

    why: developers check their work with it long before an audit does
    requirement: WH6
    severity: low
    needs: code.verification_script
    key: script
    show: script, problem
    remedy: write the script, or correct its name under `code.verification_script`
    """
    code = audit.parameters.code
    assert code is not None and code.verification_script is not None
    problem = _script_problem(audit.parameters.folder(code.folder) / code.verification_script)
    return _frames([{"script": code.verification_script, "problem": problem}] if problem else [], 1)


def _held_against(audit: Audit, kind: Kind, missing: Callable[[Document], Iterator[Row]], wanted: int) -> Found:
    """Hold one document against what it has to name; one that is not there is another check's finding."""
    document = documents(audit.parameters)[kind]
    if document.problem:
        return _frames([], 0, f"{document.name}: {document.problem}")
    return _frames([{"document": document.name, **row} for row in missing(document)], wanted)


def _starts_like_a_table(audit: Audit, word: str) -> bool:
    prefix = audit.parameters.table_prefix
    named = re.fullmatch(r"(?:[A-Za-z_]\w*\.)?([A-Za-z_]\w*)", word)
    return bool(prefix and named and named[1].startswith(prefix) and named[1] != prefix)


def _names(audit: Audit) -> set[str]:
    """Return what a word that starts like a table may rightly name: in the database, the file or the code."""
    names = {_bare(table) for table in declared_tables(audit.parameters)}
    if audit.parameters.table_prefix:
        names |= set(audit.database.query(NAMES, audit.values(), most=None).frame["name"])
    if audit.parameters.code:
        for module in audit.code.modules.values():
            names |= {module.name.rpartition(".")[2]}
            names |= {name for table in module.tables.values() for name in table.bindings}
    return names


def _topics(audit: Audit) -> set[str]:
    """Return the topics that are wanted, in the code, or registered."""
    topics = {topic for resource in audit.parameters.resources.values() for topic in resource.webhooks}
    if audit.parameters.code:
        topics |= set(webhooks.in_code(audit).places)
    if audit.parameters.source and audit.parameters.source.subscriptions:
        for tenant in audit.parameters.tenant_names:
            topics |= {one.topic for one in webhooks.subscriptions(audit, tenant) or []}
    return topics


def _script_problem(path: Path) -> str | None:
    """Return what is wrong with a verification script, or None."""
    try:
        text = path.read_bytes()
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    if path.suffix != ".py":
        lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith(b"#")]
        return None if lines else "it does nothing"
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        return f"it does not parse: {getattr(error, 'msg', error)}"
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    if not functions:
        return "it has no function"
    return None if any(_does_something(node) for node in functions) else "its functions do nothing"


def _does_something(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(isinstance(node, ast.Call) for statement in function.body for node in ast.walk(statement))


def _bare(table: str) -> str:
    return table.rpartition(".")[2]


def _plain(name: str) -> str:
    return name.lower().replace("-", "_").replace(" ", "_")


def _frames(rows: list[Row], examined: int, reason: str | None = None) -> Found:
    return frames(rows, [{"examined": examined, "reason": reason}])
