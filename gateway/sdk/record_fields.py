"""Fields of records: how informative ones are normalized, and what becomes of values that cannot be stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from gateway.model import record_validation, validation
from gateway.model.attributes.values import check_swatch
from gateway.model.catalog import SelectedOption
from gateway.model.content import normalize_locale
from gateway.model.media import Image, Media, MediaKind
from gateway.model.validation import InvalidValueError

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class RecordWarning:
    """An informative field whose value was invalid and dropped. The record is stored without it.

    Attributes:
        field: The field.
        reason: What was expected.
    """

    field: str
    reason: str

    def __post_init__(self) -> None:
        sanitize_texts(self, "field", "reason")


def read_informative(raws: Iterable[T], read: Callable[[T], U], field: str) -> tuple[list[U], list[RecordWarning]]:
    """Read the items of an informative field, such as media, so that one that cannot be read is dropped with a warning.

    Args:
        raws: The items as the channel has them.
        read: Reads an item; raises `InvalidValueError` if it cannot be read.
        field: Name of the field in the warnings.
    """
    items, warnings = list[U](), list[RecordWarning]()
    for raw in raws:
        try:
            items.append(read(raw))
        except InvalidValueError as error:
            warnings.append(RecordWarning(field, str(error)))
    return items, warnings


def drop_invalid(record: Any, name: str, field: str, check: Callable[[Any], object], default: object = None) -> None:
    """Normalize an informative field, or replace its invalid value by the default, with a warning."""
    try:
        put(record, name, check(getattr(record, name)))
    except InvalidValueError as error:
        put(record, name, default)
        put(record, "warnings", (*record.warnings, RecordWarning(field, error.reason)))


def drop_invalid_items(record: Any, name: str, field: str, check: Callable[[Any], object]) -> None:
    """Remove the invalid items of an informative list, with a warning for each."""
    valid = []
    for item in getattr(record, name):
        try:
            check(item)
            valid.append(item)
        except InvalidValueError as error:
            put(record, "warnings", (*record.warnings, RecordWarning(field, error.reason)))
    put(record, name, tuple(valid))


def normalize_items(record: Any, name: str, field: str, normalize: Callable[[Any], object]) -> None:
    """Normalize the items of an informative list, and remove the invalid ones, with a warning for each."""
    items, warnings = read_informative(getattr(record, name), normalize, field)
    put(record, name, tuple(items))
    put(record, "warnings", (*record.warnings, *warnings))


def normalize_attributes(record: Any) -> None:
    """Normalize the attributes of a record, and remove those that cannot be stored, with a warning for each."""
    pairs, warnings = read_informative(dict(record.attributes).items(), _normalize_attribute, "attributes")
    put(record, "attributes", dict(pairs[: record_validation.MAX_ATTRIBUTES]))
    put(record, "warnings", (*record.warnings, *warnings))


def _normalize_attribute(pair: tuple[str, Sequence[str]]) -> tuple[str, tuple[str, ...]]:
    name, values = pair
    validation.check_text("attributes", name, record_validation.MAX_CODE)
    if isinstance(values, str):
        raise InvalidValueError(f"attributes.{name}", "expected a list of texts, found a text")
    longest = record_validation.MAX_LONG_TEXT
    return name, tuple(validation.check_text(f"attributes.{name}", text, longest, empty=True) for text in values)


def normalize_options(record: Any) -> None:
    """Normalize how the options of a variant are shown, and remove what cannot be stored, with a warning for each."""
    warnings: list[RecordWarning] = []
    options = tuple(_normalize_option(option, warnings) for option in record.selected_options)
    put(record, "selected_options", options)
    put(record, "warnings", (*record.warnings, *warnings))


def _normalize_option(option: SelectedOption, warnings: list[RecordWarning]) -> SelectedOption:
    if not (option.labels or option.value_labels or option.swatch):
        return option
    labels, wrong = read_informative(option.labels, _normalize_label, "selectedOptions.labels")
    value_labels, wrong_values = read_informative(option.value_labels, _normalize_label, "selectedOptions.valueLabels")
    swatches, wrong_swatches = read_informative([option.swatch], check_swatch, "selectedOptions.swatch")
    warnings += [*wrong, *wrong_values, *wrong_swatches]
    return replace(
        option,
        labels=tuple(dict(labels).items())[: record_validation.MAX_LOCALES],
        value_labels=tuple(dict(value_labels).items())[: record_validation.MAX_LOCALES],
        swatch=next(iter(swatches), None),
    )


def _normalize_label(pair: tuple[str, str]) -> tuple[str, str]:
    """Check a display name with its locale."""
    locale, label = pair
    checked = validation.check_text("label", label, record_validation.MAX_CODE)
    return normalize_locale("locale", locale), checked


def cut_list(record: Any, name: str, longest: int) -> None:
    """Cut an informative list to its maximum length, with a warning."""
    items = getattr(record, name)
    if len(items) > longest:
        put(record, name, items[:longest])
        warning = RecordWarning(name, f"has {len(items)} items; the first {longest} are stored")
        put(record, "warnings", (*record.warnings, warning))


def list_images(media: Iterable[Media]) -> tuple[Image, ...]:
    """List the images among media."""
    return tuple(medium.image for medium in media if medium.kind is MediaKind.IMAGE and medium.image is not None)


def sanitize_texts(record: Any, *names: str) -> None:
    """Make texts storable that quote data of the channel."""
    for name in names:
        put(record, name, validation.sanitize_message(getattr(record, name)))


def normalize_references(record: Any) -> None:
    """Normalize the references of a customer, and remove those that cannot be compared, with a warning for each."""
    pairs, warnings = read_informative(dict(record.references).items(), _normalize_reference, "references")
    put(record, "references", dict(pairs))
    put(record, "warnings", (*record.warnings, *warnings))


def _normalize_reference(pair: tuple[str, str]) -> tuple[str, str]:
    name, value = pair
    validation.check_text("references", name, record_validation.MAX_CODE)
    return name, validation.check_text(f"references.{name}", value, 255).strip()


def put(record: Any, field: str, value: object) -> None:
    """Set a field of a frozen record to its normalized value, in its constructor."""
    object.__setattr__(record, field, value)


def check_optional(check: Callable[[str, object], T], field: str, value: object) -> T | None:
    """Apply a check to an optional value."""
    return None if value is None else check(field, value)
