"""Checks of the texts in arguments: a text has one line, unless its declaration says otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from graphql import GraphQLArgument, GraphQLInputField, GraphQLInputObjectType, get_named_type

from gateway.execution.errors import BadUserInputError

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""Control characters, and the separators of lines and paragraphs."""

Declared = Mapping[str, GraphQLArgument] | Mapping[str, GraphQLInputField]


class TextRule(Enum):
    """Which characters a text may contain."""

    ONE_LINE = "a control character"
    STORABLE = "a NUL character or an unpaired surrogate"

    @property
    def forbidden(self) -> re.Pattern[str]:
        """The characters that the text must not contain."""
        return _CONTROL if self is TextRule.ONE_LINE else _UNSTORABLE


COMPARED: Mapping[str, TextRule] = {"text": TextRule.STORABLE}
"""Metadata of an input that is only compared with texts of channels, which may contain anything storable."""

MULTILINE: Mapping[str, TextRule] = {"text": TextRule.STORABLE}
"""Metadata of an input of several lines."""


def check_texts(values: Mapping[str, Any], declared: Declared) -> None:
    """Check all texts of the arguments of a field.

    Raises:
        BadUserInputError: A text contains a character that is not allowed; the message names the argument.
    """
    for path, text, rule in _iterate_texts(values, declared, ""):
        check_text(path, text, rule)


def check_text(path: str, text: str, rule: TextRule) -> None:
    """Check one text; see `check_texts`."""
    found = rule.forbidden.search(text)
    if found is not None:
        raise BadUserInputError(f"{path}: contains {rule.value} (U+{ord(found[0]):04X}).")


def _iterate_texts(values: Mapping[str, Any], declared: Declared, prefix: str) -> Iterator[tuple[str, str, TextRule]]:
    for name, value in values.items():
        if isinstance(value, str | list | dict):
            yield from _iterate_value(value, declared[name], f"{prefix}{name}")


def _iterate_value(
    value: Any, definition: GraphQLArgument | GraphQLInputField, path: str
) -> Iterator[tuple[str, str, TextRule]]:
    if isinstance(value, str):
        yield path, value, _get_rule(definition)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _iterate_value(item, definition, f"{path}.{number}")
    elif isinstance(value, dict):
        kind = get_named_type(definition.type)
        if isinstance(kind, GraphQLInputObjectType):
            yield from _iterate_texts(value, kind.fields, f"{path}.")


def _get_rule(definition: GraphQLArgument | GraphQLInputField) -> TextRule:
    rule: TextRule = definition.extensions["strawberry-definition"].metadata.get("text", TextRule.ONE_LINE)
    return rule
