"""Generator: writes the function of an operation.

The function has a level for the root fields and one for each depth of loads. A level completes the values that the
level before has loaded, and collects the keys of the next: one batch per level for all parents. Attributes and pure
functions are inline. Names of the generated code: `d` an object of the response, `v` a value, `keys` and `outs` what a
load needs and where its values go, `spent` the size of the response so far.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from graphql import (
    Executor,
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    OperationType,
    get_nullable_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)
from graphql.execution.collect_fields import collect_fields, collect_subfields
from graphql.pyutils import is_collection

from gateway.execution.caching.cache_control import DataKind, get_data_kinds
from gateway.execution.caller import Scopes
from gateway.execution.compiler import leaves
from gateway.execution.compiler.abstract_types import find_names_by_class, group_alike
from gateway.execution.compiler.dependencies import PlanDependencies, is_stocked_by_id
from gateway.execution.compiler.optional_attributes import Details, find_optional_attributes, list_paths
from gateway.execution.compiler.sites import FieldUse, LoadSite, RenderedSite, declare_rendered, select_batch
from gateway.execution.compiler.source import NotCompilableError, Source
from gateway.execution.compiler.variables import find_variables
from gateway.execution.fields import Attribute, Computation, Kind, Load, Root, get_field_kind
from gateway.execution.response_size import LOAD_WEIGHT


class UnexpectedValueError(Exception):
    """A value is null, of another type, or an error: the reference executor says which."""


NAMES = {"UnexpectedValueError": UnexpectedValueError, "is_collection": is_collection}
"""What the lines of the function need besides their own objects."""


@dataclass(slots=True)
class Generator:
    """Writes the function of one operation. `tracks`: whether the function records kinds of data, for caches."""

    executor: Executor[Any]
    tracks: bool
    source: Source = field(default_factory=Source)
    uses: list[FieldUse] = field(default_factory=list)
    levels: list[list[LoadSite]] = field(default_factory=list)
    roots: list[tuple[str, int, Root, Scopes]] = field(default_factory=list)
    dependencies: PlanDependencies = field(default_factory=PlanDependencies)
    rendered: list[RenderedSite] = field(default_factory=list)
    _in_list: bool = False  # whether items of a list are completed
    _shows_more: bool = False  # what is loaded outside of these objects
    _rendered: RenderedSite | None = None  # whose objects are completed
    _completed: LoadSite | None = None  # whose values are completed; None: those of root fields

    def generate(self) -> None:
        """Write the function `execute(run)`.

        Raises:
            NotCompilableError: the operation has fields that the compiler does not take.
        """
        self.source.names |= leaves.NAMES | NAMES
        with self.source.block("async def execute(run):"):
            self.source.add("context, limit, spent = run.context, run.limit, 0")
            declared = self.source.reserve()
            self._add_root_level()
            depth = 0
            while depth < len(self.levels):
                self._add_level(depth)
                depth += 1
            self.source.add("run.spend(spent)")
            self.source.add("return data")
        numbers = [site.number for level in self.levels for site in level]
        lists = [f"keys{number}, outs{number} = [], []" for number in numbers]
        self.source.fill(declared, "; ".join([*map(declare_rendered, self.rendered), *lists]))

    @property
    def _is_cached(self) -> bool:
        return self._in_list and not self.tracks and not self._writes

    @property
    def _writes(self) -> bool:
        return self.executor.operation.operation is OperationType.MUTATION

    @property
    def shows_objects_only(self) -> bool:
        """Whether the response depends on nothing but the objects whose JSON can be cached, and on which they are."""
        can_be_cached = all(site.dependencies.is_cacheable for site in self.rendered)
        return bool(self.rendered) and can_be_cached and not self._shows_more

    @property
    def is_single_read(self) -> bool:
        """Whether the query is executed in one read if its root fields do no more: it shows nothing but the catalog and
        stock, and has loads that would be further reads.
        """
        return self.dependencies.is_cacheable and bool(self.levels)

    # -------------------------------------------------------------------------------------------- levels

    def _add_root_level(self) -> None:
        executor, root_type = self.executor, get_root_type(self.executor)
        collected = collect_fields(
            executor.schema, executor.fragments, executor.variable_values, root_type, executor.operation
        )
        fields = collected.grouped_field_set
        completed = {key: self._add_root_field(root_type, key, details) for key, details in fields.items()}
        if self._writes and len(self.roots) > 1:
            raise NotCompilableError("A mutation has several root fields: each is completed before the next begins.")
        self.source.add(f"spent += {len(fields)}")
        self._add_note([root_type], list(fields.values()), "None")
        self.source.add("values = await run.resolve_roots()")
        self.source.add(f"data = {{{', '.join(f'{key!r}: None' for key in fields)}}}")
        for key, found in completed.items():
            if isinstance(found, FieldUse):
                value = self._assign("v", f"values[{key!r}]")
                self.source.add(
                    f"data[{key!r}] = {self._add_completion(value, found.definition.type, found.details, 0)}"
                )
            else:
                self.source.add(f"data[{key!r}] = {found!r}")

    def _add_root_field(self, root_type: GraphQLObjectType, key: str, details: Details) -> FieldUse | str:
        """Register a root field. Returns its use, or the name of the type for `__typename`."""
        if _get_name(details) == "__typename":
            return root_type.name
        definition, kind = self._find_field(root_type, details)
        if not isinstance(kind, Root):
            raise NotCompilableError("A root field has no function.")
        use = FieldUse(definition, details)
        self.roots.append((key, self._register(use), kind, _get_scopes(definition)))
        return use

    def _add_level(self, depth: int) -> None:
        """Write the level that completes what is loaded at this depth."""
        sites = self.levels[depth]
        self.source.add(f"run.spend(spent)  # level {depth + 1}")
        self.source.add("limit, spent = run.limit, 0")
        for site in sites:
            batch = self.source.bind("batch", select_batch(site, sites))
            number = site.number
            self.source.add(f"loader{number} = keys{number} and run.start_load({batch}, {number}, keys{number})")
        for site in sites:
            number, self._completed, self._rendered, self._in_list = site.number, site, site.rendered, site.in_list
            value = self.source.create_name("v")
            loaded = f"await loader{number}.load_many(keys{number}) if keys{number} else ()"
            with self.source.block(f"for out, {value} in zip(outs{number}, {loaded}):"):
                completed = self._add_completion(value, site.use.definition.type, site.use.details, depth + 1)
                self.source.add(f"out[{site.key!r}] = {completed}")
                self._add_size_check()

    # -------------------------------------------------------------------------------------------- values

    def _add_completion(self, value: str, type_: GraphQLOutputType, details: Details, depth: int) -> str:
        """Write the completion of a value, and return the variable that has its representation."""
        if is_non_null_type(type_):
            with self.source.block(f"if {value} is None:"):
                self.source.add("raise UnexpectedValueError")
            return self._add_non_null(value, type_.of_type, details, depth)
        out = self.source.create_name("y")
        with self.source.block(f"if {value} is None:"):
            self.source.add(f"{out} = None")
        with self.source.block("else:"):
            self.source.add(f"{out} = {self._add_non_null(value, type_, details, depth)}")
        return out

    def _add_non_null(self, value: str, type_: Any, details: Details, depth: int) -> str:
        if is_leaf_type(type_):
            leaves.add_leaf(self.source, value, type_)
            return value
        if is_list_type(type_):
            return self._add_list(value, type_.of_type, details, depth)
        if is_abstract_type(type_):
            return self._add_abstract(value, type_, details, depth)
        return self._add_object(value, type_, details, depth)

    def _add_list(self, value: str, item_type: GraphQLOutputType, details: Details, depth: int) -> str:
        items, item = self.source.create_name("l"), self.source.create_name("v")
        self._add_list_check(value)
        self.source.add(f"{items} = []")
        outside, self._in_list = self._in_list, True
        with self.source.block(f"for {item} in {value}:"):
            self.source.add(f"{items}.append({self._add_completion(item, item_type, details, depth)})")
            self._add_size_check()
        self._in_list = outside
        return items

    def _add_list_check(self, value: str) -> None:
        """Write the check of a list: a text or a mapping is none, and what can be read once is for the reference."""
        with self.source.block(f"if {value}.__class__ is not list and not is_collection({value}):"):
            self.source.add("raise UnexpectedValueError")

    def _add_size_check(self) -> None:
        """Write the end of a response that becomes too large."""
        with self.source.block("if spent > limit:"):
            self.source.add("run.spend(spent)")

    def _add_abstract(self, value: str, type_: Any, details: Details, depth: int) -> str:
        types = self.executor.schema.get_possible_types(type_)
        name, out = self._add_type_name(value, type_, types), self.source.create_name("y")
        keyword = "if"
        for group in group_alike(types, lambda possible: self._find_shape(possible, details)):
            names = ", ".join(repr(possible.name) for possible in group)
            with self.source.block(f"{keyword} {name} in {{{names}}}:"):
                self.source.add(f"{out} = {self._add_alternative(value, name, group, details, depth)}")
            keyword = "elif"
        with self.source.block("else:"):
            self.source.add("raise UnexpectedValueError")
        return out

    def _add_type_name(self, value: str, type_: Any, types: Sequence[GraphQLObjectType]) -> str:
        names = self.source.bind("names", find_names_by_class(tuple(types)))
        name = self._assign("name", f"{names}.get({value}.__class__)")
        with self.source.block(f"if {name} is None:"):
            resolve, abstract = self.source.bind("resolve_type", type_.resolve_type), self.source.bind("type", type_)
            self.source.add(f"{name} = {resolve}({value}, run.info, {abstract})")
        return name

    def _add_alternative(
        self, value: str, name: str, types: Sequence[GraphQLObjectType], details: Details, depth: int
    ) -> str:
        if len(types) == 1:
            return self._add_object(value, types[0], details, depth, is_alternative=True)
        return self._add_alike(value, name, types, details, depth)

    def _add_object(
        self, value: str, type_: GraphQLObjectType, details: Details, depth: int, *, is_alternative: bool = False
    ) -> str:
        self._add_type_check(value, type_)
        if getattr(type_.extensions["strawberry-definition"].origin, "__rendered__", False) and not is_alternative:
            return self._add_rendered(value, type_, details, depth)
        return self._add_fields(value, type_, details, depth, is_alternative=is_alternative)

    def _add_rendered(self, value: str, type_: GraphQLObjectType, details: Details, depth: int) -> str:
        """Write that an object is completed unless its JSON is cached."""
        if self._rendered is not None:  # changes of one object are not found under the id of another
            self._rendered.dependencies.is_volatile = True
            return self._add_fields(value, type_, details, depth)
        self._rendered = site = RenderedSite(len(self.rendered), self._find_variables(details), self._is_cached)
        self.rendered.append(site)
        completed = self._add_cached(site, value, type_, details, depth)
        self._rendered = None
        return completed

    def _add_cached(
        self, site: RenderedSite, value: str, type_: GraphQLObjectType, details: Details, depth: int
    ) -> str:
        if not site.is_cached:
            return self._add_fields(value, type_, details, depth)
        cache, out = f"rendered{site.number}", self.source.create_name("y")
        found = self._assign("r", f"{cache} and {cache}.find({value}.id)")
        with self.source.block(f"if {found}:"):
            self.source.add(f"{out} = {found}.content; spent += {found}.fields")
        with self.source.block("else:"):
            self.source.add(f"{out} = {self._add_fields(value, type_, details, depth)}")
            with self.source.block(f"if {cache}:"):
                self.source.add(f"{cache}.add({value}.id, {out})")
        return out

    def _find_variables(self, details: Details) -> Sequence[str]:
        selected = [one.node.selection_set for one in details]
        return sorted(find_variables(selected, self.executor.fragments))

    def _add_fields(
        self, value: str, type_: GraphQLObjectType, details: Details, depth: int, *, is_alternative: bool = False
    ) -> str:
        fields = self._collect(type_, details)
        self.source.add(f"spent += {len(fields)}")
        self._add_note([type_], list(fields.values()), value, is_alternative=is_alternative)
        completed = {key: self._add_field(value, type_, found, depth) for key, found in fields.items()}
        items = ", ".join(f"{key!r}: {'None' if found is None else found}" for key, found in completed.items())
        out = self._assign("d", f"{{{items}}}")
        for key, found in completed.items():
            if found is None:
                self._add_load(value, out, key, type_, fields[key], depth)
        return out

    def _add_type_check(self, value: str, type_: GraphQLObjectType) -> None:
        origin = type_.extensions["strawberry-definition"].origin
        if getattr(origin, "__scopes__", ()) or not hasattr(origin, "__model__"):
            is_expected = f"{self.source.bind('is_type_of', type_.is_type_of)}({value}, run.info)"
        else:
            is_expected = f"isinstance({value}, {self.source.bind('model', origin.__model__)})"
        with self.source.block(f"if not {is_expected}:"):
            self.source.add("raise UnexpectedValueError")

    def _add_note(
        self,
        types: Sequence[GraphQLObjectType],
        fields: Sequence[Details],
        value: str,
        type_: str | None = None,
        *,
        is_alternative: bool = False,
    ) -> None:
        """Write what caches need to know of an object.

        Args:
            types: those that it may have.
            type_: the variable that has its type, if there are several.
            is_alternative: whether only some responses have an object of these types.
        """
        selected = tuple(_get_name(details) for details in fields)
        if is_alternative and DataKind.PRIVATE in get_data_kinds(types[0], selected):
            self.source.add("context.cache_policy.is_uncacheable = True")
        else:
            stock_load = None if self._completed is None else self._completed.stock_load
            self.dependencies.add_fields(types, selected, stock_load)
        if self._rendered is not None:
            self._rendered.dependencies.add_fields(types, selected, None)
        if self.tracks:
            names = self.source.bind("fields", selected)
            self.source.add(f"run.note({type_ or self.source.bind('type', types[0])}, {names}, {value})")

    # -------------------------------------------------------------------------------------------- several types

    def _find_shape(self, type_: GraphQLObjectType, details: Details) -> tuple[object, ...] | None:
        """Return what the lines depend on that complete objects of a type, apart from functions. None: on more."""
        fields = self._collect(type_, details)
        shown = [(key, self._describe_pure(type_, found)) for key, found in fields.items()]
        if any(described is None for _, described in shown):
            return None
        selected = tuple(_get_name(found) for found in fields.values())
        return selected, DataKind.PRIVATE in get_data_kinds(type_, selected), *shown

    def _describe_pure(self, type_: GraphQLObjectType, details: Details) -> str | None:
        """Return the type of a field that is a function of the object alone and has no fields of its own, or None."""
        if _get_name(details) == "__typename":
            return "__typename"
        definition, kind = self._find_field(type_, details)
        is_pure = isinstance(kind, Computation) and not definition.args and not _get_scopes(definition)
        return str(definition.type) if is_pure and is_leaf_type(get_nullable_type(definition.type)) else None

    def _add_alike(
        self, value: str, name: str, types: Sequence[GraphQLObjectType], details: Details, depth: int
    ) -> str:
        """Write the completion of an object of one of several types of the same shape."""
        fields, bound = self._collect(types[0], details), {possible.name: possible for possible in types}
        type_ = self._assign("type", f"{self.source.bind('types', bound)}[{name}]")
        with self.source.block(f"if not {type_}.is_type_of({value}, run.info):"):
            self.source.add("raise UnexpectedValueError")
        self.source.add(f"spent += {len(fields)}")
        self._add_note(types, list(fields.values()), value, type_, is_alternative=True)
        shown = {key: self._add_pure(value, name, types, found, depth) for key, found in fields.items()}
        return self._assign("d", f"{{{', '.join(f'{key!r}: {found}' for key, found in shown.items())}}}")

    def _add_pure(self, value: str, name: str, types: Sequence[GraphQLObjectType], details: Details, depth: int) -> str:
        """Write the value of a field of one of several types."""
        if _get_name(details) == "__typename":
            return name
        found = {type_.name: self._find_field(type_, details) for type_ in types}
        functions = {key: kind.function for key, (_, kind) in found.items() if isinstance(kind, Computation)}
        result = self._assign("v", f"{self.source.bind('functions', functions)}[{name}]({value})")
        return self._add_completion(result, found[types[0].name][0].type, details, depth)

    # -------------------------------------------------------------------------------------------- fields

    def _add_field(self, parent: str, type_: GraphQLObjectType, details: Details, depth: int) -> str | None:
        """Write the value of a field, and return its variable, or None for a load."""
        if _get_name(details) == "__typename":
            return repr(type_.name)
        definition, kind = self._find_field(type_, details)
        if isinstance(kind, Load):
            return None
        value = self.source.create_name("v")
        with self._guard(_get_scopes(definition), parent, hidden=f"{value} = None"):
            self._add_value(value, parent, kind, FieldUse(definition, details))
        return self._add_completion(value, definition.type, details, depth)

    def _add_value(self, value: str, parent: str, kind: Kind, use: FieldUse) -> None:
        if isinstance(kind, Attribute):
            self._add_attribute(
                value, parent, kind.path or use.definition.extensions["strawberry-definition"].python_name
            )
        elif isinstance(kind, Computation):
            function = self.source.bind("function", kind.function)
            arguments = f", **run.arguments[{self._register(use)}]" if use.takes_arguments else ""
            self.source.add(f"{value} = {function}({parent}{arguments})")
        else:
            raise NotCompilableError("A field has no known kind.")

    def _add_attribute(self, value: str, parent: str, path: str) -> None:
        first, *others = path.split(".")
        self.source.add(f"{value} = {parent}.{first}")
        for name in others:
            with self.source.block(f"if {value} is not None:"):
                self.source.add(f"{value} = {value}.{name}")

    @contextmanager
    def _guard(self, scopes: Scopes, parent: str, hidden: str) -> Iterator[None]:
        """Write the check of a field's scopes: an error ends the function, and a hidden value is null."""
        if not scopes:
            yield
            return
        needed = self.source.bind("scopes", scopes)
        with self.source.block(f"if context.is_hidden_from_guest({needed}, {parent}):"):
            self.source.add(hidden)
        with self.source.block("else:"):
            self.source.add(f"context.require({needed}, {parent})")
            yield

    def _add_load(
        self, parent: str, out: str, key: str, type_: GraphQLObjectType, details: Details, depth: int
    ) -> None:
        """Write that the key of this parent is loaded with those of the others."""
        definition, kind = self._find_field(type_, details)
        assert isinstance(kind, Load)
        site = self._create_site(key, FieldUse(definition, details), kind, type_, depth)
        self._shows_more = self._shows_more or self._rendered is None
        if self._rendered is not None and not kind.rendered:
            self._rendered.dependencies.is_volatile = True
        if definition.extensions["strawberry-definition"].data is DataKind.STOCK:
            self.dependencies.add_stock_load(site.stock_load)
            if self._rendered is not None:
                self._rendered.dependencies.add_stock_load(None)
        is_required = is_non_null_type(definition.type)
        hidden = "raise UnexpectedValueError" if is_required else "pass"
        with self._guard(_get_scopes(definition), parent, hidden):
            loaded = self._assign("key", self._get_key(kind.key, parent))
            with self.source.block(f"if {loaded} is not None:"):
                self.source.add(f"keys{site.number}.append({loaded})")
                self.source.add(f"outs{site.number}.append({out})")
                self.source.add(f"spent += {LOAD_WEIGHT}")
            if is_required:
                with self.source.block("else:"):
                    self.source.add("raise UnexpectedValueError")

    def _get_key(self, key: Callable[[Any], Any], parent: str) -> str:
        """Write how the key of a load is read: an attribute is inline."""
        names = list_paths(key) if isinstance(key, attrgetter) else ()
        return f"{parent}.{names[0]}" if len(names) == 1 else f"{self.source.bind('get_key', key)}({parent})"

    def _create_site(self, key: str, use: FieldUse, load: Load, parent: GraphQLObjectType, depth: int) -> LoadSite:
        site = LoadSite(
            key,
            self._register(use),
            use,
            load,
            self._is_lean(load, use),
            self._find_optional(load, use),
            is_stocked_by_id(parent, load),
            self._rendered,
            self._in_list,
        )
        while len(self.levels) <= depth:
            self.levels.append([])
        self.levels[depth].append(site)
        return site

    def _is_lean(self, load: Load, use: FieldUse) -> bool:
        """Return whether the objects of the lean batch function have all fields that are selected."""
        type_ = get_nullable_type(use.definition.type)
        if load.lean is None or not isinstance(type_, GraphQLObjectType):
            return False
        selected = {_get_name(details) for details in self._collect(type_, use.details).values()}
        names = {name: field.extensions["strawberry-definition"].python_name for name, field in type_.fields.items()}
        return all(names.get(name, name) in load.lean.fields for name in selected - {"__typename"})

    def _find_optional(self, load: Load, use: FieldUse) -> frozenset[str] | None:
        if load.partial is None:
            return None
        return find_optional_attributes(load.partial, use.definition.type, use.details, self._collect)

    # -------------------------------------------------------------------------------------------- helpers

    def _collect(self, type_: GraphQLObjectType, details: Details) -> dict[str, Details]:
        """Collect the fields that are selected of an object, by response name."""
        executor = self.executor
        collected = collect_subfields(
            executor.schema, executor.fragments, executor.variable_values, executor.operation, type_, details
        )
        return collected.grouped_field_set

    def _find_field(self, type_: GraphQLObjectType, details: Details) -> tuple[GraphQLField, Kind]:
        definition = self.executor.schema.get_field(type_, _get_name(details))
        kind = None if definition is None else get_field_kind(definition)
        if definition is None or kind is None:
            raise NotCompilableError(f"{type_.name}.{_get_name(details)} is introspection.")
        return definition, kind

    def _register(self, use: FieldUse) -> int:
        self.uses.append(use)
        return len(self.uses) - 1

    def _assign(self, stem: str, expression: str) -> str:
        name = self.source.create_name(stem)
        self.source.add(f"{name} = {expression}")
        return name


def get_root_type(executor: Executor[Any]) -> GraphQLObjectType:
    """Return the type of the root fields of an executor's operation."""
    root_type = executor.schema.get_root_type(executor.operation.operation)
    assert root_type is not None  # the document is valid: it has no subscription
    return root_type


def _get_name(details: Details) -> str:
    return details[0].node.name.value


def _get_scopes(definition: GraphQLField) -> Scopes:
    scopes: Scopes = definition.extensions["strawberry-definition"].scopes
    return scopes
