"""Follows the attributes of classes and instances, through bases, mixins, wrappers, properties and stubs."""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator

from dsaudit.codebase.classes import ClassAt, descendants, family
from dsaudit.codebase.knowledge import HOOKS, VERBS
from dsaudit.codebase.model import Binding, Code, Function, Module, Scope
from dsaudit.codebase.names import External, Found
from dsaudit.codebase.nodes import decorators_of, terminal
from dsaudit.codebase.refs import ClassRef, ExternalRef, FunctionRef, InstanceRef, Ref, UnknownRef
from dsaudit.codebase.stubs import is_stub, standing_in


class Members(ABC):
    """The half of the resolver that knows classes."""

    def __init__(self, code: Code) -> None:
        self.code = code

    @abstractmethod
    def target(self, target: Found | Module | External) -> Iterator[Ref]:
        """What a name leads to once its scope is known."""

    @abstractmethod
    def returned(self, function: Function) -> Iterator[Ref]:
        """What a function gives back."""

    def of_class(self, base: InstanceRef | ClassRef, name: str) -> Iterator[Ref]:
        """A method or attribute of a class, from the nearest class that has it."""
        unseen: list[External | None] = []
        for parent in family(self.code, base.at):
            if not isinstance(parent, ClassAt):
                unseen.append(parent)
                continue
            bindings = parent.module.tables[parent.node].bindings.get(name, [])
            outside = parent.module.attributes.get(parent.node, {}).get(name, [])
            if bindings or outside:
                yield from self.attribute([*bindings, *outside], parent, base, name)
                return
        for other in unseen:
            yield ExternalRef(f"{other.dotted}().{name}") if other else UnknownRef(name, "a base class was not read")
        if unseen and name in VERBS:
            yield from self.overridden(base, name)
        if not unseen:
            mixed = tuple(self.beside(base, name))
            yield from mixed or (UnknownRef(f"{base.at.node.name}.{name}", "the class has no such attribute"),)

    def beside(self, base: InstanceRef | ClassRef, name: str) -> Iterator[Ref]:
        """What the classes made from a mixin get from their other bases."""
        for child in descendants(self.code, base.at):
            for parent in family(self.code, child):
                if isinstance(parent, ClassAt) and (
                    name in parent.module.tables[parent.node].bindings
                    or name in parent.module.attributes.get(parent.node, {})
                ):
                    yield from self.of_class(InstanceRef(parent), name)
                    break

    def overridden(self, base: InstanceRef | ClassRef, name: str) -> Iterator[Ref]:
        """The methods of a wrapper class that an inherited request method calls in turn."""
        for parent in family(self.code, base.at):
            for hook in HOOKS if isinstance(parent, ClassAt) else ():
                for binding in parent.module.tables[parent.node].bindings.get(hook, []):  # type: ignore[union-attr]
                    if hook != name and binding.kind == "function":
                        yield FunctionRef(parent.module.functions[binding.node], True)  # type: ignore[union-attr]

    def attribute(
        self, bindings: Iterable[Binding], parent: ClassAt, base: InstanceRef | ClassRef, name: str
    ) -> Iterator[Ref]:
        """What the bindings of a class's attribute lead to; a stub leads to what stands in for it."""
        found = Found(Scope(parent.module, parent.node), name, tuple(bindings), False)
        for ref in self.target(found):
            if not isinstance(ref, FunctionRef) or ref.function.node not in parent.module.chains:
                yield ref
                continue
            decorators = {terminal(one) for one in decorators_of(ref.function.node)}
            if decorators & {"property", "cached_property"}:
                yield from self.returned(ref.function)
            elif is_stub(ref.function):
                yield from standing_in(self.code, parent, name) or (UnknownRef(name, "only declared here"),)
            else:
                own = ref.function.owner is not None and "staticmethod" not in decorators
                yield FunctionRef(ref.function, own and (isinstance(base, InstanceRef) or "classmethod" in decorators))

    def parents(self, scope: Scope) -> Iterator[Ref]:
        """What `super()` stands for."""
        classes = [node for node in scope.chain if isinstance(node, ast.ClassDef)]
        if classes:
            base = ClassAt(scope.module, classes[-1])
            for parent in family(self.code, base)[1:]:
                if isinstance(parent, ClassAt):
                    yield InstanceRef(parent)
                else:
                    yield ExternalRef(f"{parent.dotted}()") if parent else UnknownRef("super()", "a base was not read")
