"""Both engines execute queries as the specification and the suite of graphql-core say (rule E1)."""

from __future__ import annotations

import pytest

from tests.conftest import NEVER
from tests.execution.behavior import Behavior
from tests.execution.compiler_checks import CompilerChecks
from tests.execution.compiler_mutants import Mutant, list_mutants
from tests.execution.published_behaviors import list_behaviors
from tests.execution.small_engine import answer, describe_expected, describe_found

pytestmark = pytest.mark.anyio

BEHAVIORS = list_behaviors()

EQUAL = {
    "generator": (
        "true: if getattr(origin, '__scopes__', ()) or not hasattr(origin, '__model__'):",
        "true: if self.tracks:",
        "false: if not scopes:",
        "false: if not site.is_cached:",
        "false: if definition is None or kind is None:",  # documents with introspection have no plans
        "unwrapped: with self.source.block(f'if {name} is None:'):",
        "true: if any((described is None for _, described in shown)):",
    ),
    "leaves": (
        "false: if is_enum_type(leaf):",
        "true: if usual is None:",
        "unwrapped: with source.block(f'if not ({usual}):'):",
        "false: if leaf.name in _TEXTS or _is_written_by_str(leaf):",
        "false: if leaf is GraphQLBoolean:",
        "false: if leaf is GraphQLInt:",
        "false: if is_enum_type(leaf) or leaf in (GraphQLBoolean, GraphQLInt) or leaf.name in _SHORT:",
        "true: if leaf is not GraphQLString and leaf.name not in _TEXTS:",
    ),
    "sites": (),
}
"""Changes of the compiler without which its functions are slower, and answer alike."""


@pytest.fixture(scope="module")
def checks() -> CompilerChecks:
    return CompilerChecks()


def test_behaviors_have_different_names() -> None:
    assert len({behavior.name for behavior in BEHAVIORS}) == len(BEHAVIORS)


@pytest.mark.parametrize("behavior", BEHAVIORS, ids=lambda behavior: behavior.name)
async def test_both_engines_have_the_behavior(behavior: Behavior) -> None:
    for by_get in (False, True):
        reference = await answer(behavior, NEVER, by_get=by_get)
        compiled = await answer(behavior, 0, by_get=by_get)
        assert describe_found(reference) == describe_expected(behavior)
        assert describe_found(compiled) == describe_expected(behavior)
        assert (compiled.body, compiled.size, compiled.caching) == (reference.body, reference.size, reference.caching)
        assert (compiled.is_compiled, compiled.has_failed) == (behavior.is_compiled, False)


async def test_the_compiler_has_no_fault(checks: CompilerChecks) -> None:
    assert await checks.find_fault() is None


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:coroutine")
@pytest.mark.filterwarnings("ignore:Exception ignored in. <coroutine:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("mutant", list_mutants(), ids=lambda mutant: mutant.name)
async def test_without_one_of_its_lines_the_compiler_has_a_fault(checks: CompilerChecks, mutant: Mutant) -> None:
    with mutant.use():
        assert (await find_any_fault(checks) is None) == mutant.is_one_of(EQUAL)


async def find_any_fault(checks: CompilerChecks) -> str | None:
    """Find a fault, or the exception of a compiler that cannot run."""
    try:
        return await checks.find_fault()
    except Exception as error:  # noqa: BLE001 whatever it is, the compiler is at fault
        return repr(error)


def test_the_list_of_equal_changes_is_up_to_date() -> None:
    assert sum(mutant.is_one_of(EQUAL) for mutant in list_mutants()) == sum(map(len, EQUAL.values()))
