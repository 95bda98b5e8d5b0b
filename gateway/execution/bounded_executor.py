"""Executors of the GraphQL library that count what is in the response, and record what caches need to know."""

from __future__ import annotations

from typing import Any

from graphql import Executor

from gateway.execution.response_size import CHARACTERS_PER_FIELD, ERROR_WEIGHT

MUTATION_TYPE = "Mutation"


class BoundedExecutor(Executor[None]):
    """An executor that counts what is in the response: fields, including those of introspection, long texts, and
    errors.
    """

    def execute_fields(
        self, parent_type: Any, source_value: Any, path: Any, grouped_field_set: Any, position_context: None
    ) -> Any:
        self.note_fields(parent_type, source_value, grouped_field_set)
        return super().execute_fields(parent_type, source_value, path, grouped_field_set, position_context)

    def execute_fields_serially(
        self, parent_type: Any, source_value: Any, path: Any, grouped_field_set: Any, position_context: None
    ) -> Any:
        self.note_fields(parent_type, source_value, grouped_field_set)
        return super().execute_fields_serially(parent_type, source_value, path, grouped_field_set, position_context)

    def note_fields(self, parent_type: Any, source_value: Any, grouped_field_set: Any) -> None:
        """Note the fields of an object that are about to be executed."""
        self.context_value.spend(len(grouped_field_set))

    def complete_leaf_value(self, return_type: Any, result: Any) -> Any:  # type: ignore[override]
        leaf = Executor.complete_leaf_value(return_type, result)
        if isinstance(leaf, str) and len(leaf) >= CHARACTERS_PER_FIELD:
            self.context_value.spend(len(leaf) // CHARACTERS_PER_FIELD)
        return leaf

    def handle_field_error(self, raw_error: Exception, return_type: Any, field_details_list: Any, path: Any) -> None:
        self.context_value.spend(ERROR_WEIGHT)
        self.context_value.add_failure(raw_error)
        if path.typename == MUTATION_TYPE and path.prev is None:
            self.context_value.add_denial(field_details_list[0].node.name.value, raw_error)
        super().handle_field_error(raw_error, return_type, field_details_list, path)


class CacheTrackingExecutor(BoundedExecutor):
    """An executor that also records the kinds of data in the response, for caches."""

    def note_fields(self, parent_type: Any, source_value: Any, grouped_field_set: Any) -> None:
        names = [details[0].node.name.value for details in grouped_field_set.values()]
        self.context_value.cache_policy.add_fields(parent_type, names, source_value)
        super().note_fields(parent_type, source_value, grouped_field_set)
