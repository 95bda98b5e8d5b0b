"""The sites of an operation: where fields have arguments, values are loaded, and objects are shown with cached JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from graphql import GraphQLField

from gateway.execution.compiler.dependencies import PlanDependencies
from gateway.execution.compiler.optional_attributes import Details
from gateway.execution.compiler.reduced_loads import load_leanly, load_partially
from gateway.execution.context import Batch
from gateway.execution.fields import Load


@dataclass(frozen=True, slots=True)
class FieldUse:
    """A field of the operation, with what its arguments are computed from."""

    definition: GraphQLField
    details: Details

    @property
    def takes_arguments(self) -> bool:
        return bool(self.definition.args)


@dataclass(frozen=True, slots=True)
class RenderedSite:
    """A place of the operation at which objects are shown whose JSON is cached (rule E4).

    Attributes:
        is_cached: whether it is: not outside of a list, where the response is cached, nor in a response that records
            kinds of data.
        variables: the variables that what is selected of the objects depends on.
        dependencies: what the objects depend on.
    """

    number: int
    variables: Sequence[str]
    is_cached: bool
    dependencies: PlanDependencies = field(default_factory=PlanDependencies)


@dataclass(frozen=True, slots=True)
class LoadSite:
    """A place of the operation at which values are loaded.

    Attributes:
        is_lean: whether the objects of the lean batch function have all that is selected.
        optional: the optional attributes that are read of its objects; None: perhaps all.
        rendered: the site of the objects that the values belong to; None: they belong to none.
        in_list: whether the values belong to items of a list.
    """

    key: str
    number: int
    use: FieldUse
    load: Load
    is_lean: bool
    optional: frozenset[str] | None
    stocked_by_id: bool
    rendered: RenderedSite | None
    in_list: bool

    @property
    def stock_load(self) -> int | None:
        """Its number, if its keys are ids of products or variants."""
        return self.number if self.stocked_by_id else None


def declare_rendered(site: RenderedSite) -> str:
    """Write the variable that has the cached objects of a site."""
    is_cached = site.is_cached and site.dependencies.is_cacheable
    opened = f"run.open_rendered({site.number})" if is_cached else "None"
    return f"rendered{site.number} = {opened}"


def select_batch(site: LoadSite, sites: Sequence[LoadSite]) -> Batch:
    """Select the batch function of a site: one that loads less, if that is enough for all sites of its level."""
    batch, lean, names = site.load.batch, site.load.lean, select_optional(site, sites)
    if lean is not None and all(other.is_lean for other in _list_alike(site, sites)):
        return load_leanly(batch, lean.batch)
    return batch if names is None else load_partially(batch, names)


def select_optional(site: LoadSite, sites: Sequence[LoadSite]) -> frozenset[str] | None:
    """Select the optional attributes that the sites of a level read that have the same batch function; None: all."""
    read = [other.optional for other in _list_alike(site, sites)]
    known = [names for names in read if names is not None]
    return frozenset().union(*known) if len(known) == len(read) else None


def _list_alike(site: LoadSite, sites: Sequence[LoadSite]) -> list[LoadSite]:
    return [other for other in sites if other.load.batch is site.load.batch]
