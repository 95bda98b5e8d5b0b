"""Texts of options: a process that does not know them changes options, and leaves what was shown of others."""

from __future__ import annotations

from gateway.model.attributes.definitions import Swatch
from gateway.model.catalog import SelectedOption
from gateway.storage.sql.bulk import dump_json
from gateway.storage.sql.option_json import dump_option_texts, load_selected_options, merge_option_texts

RED = SelectedOption("Color", "Red", (("de", "Farbe"),), (("de", "Rot"),), Swatch(color="#ff0000"))


def test_what_is_shown_of_an_option_comes_back() -> None:
    assert load_selected_options(dump_json([["Color", "Red"]]), dump_option_texts([RED], "web")) == (RED,)


def test_another_value_or_number_of_options_has_no_text_of_this_one() -> None:
    texts = dump_option_texts([RED], "web")
    for pairs in ([["Color", "Blue"]], [["Size", "M"], ["Color", "Red"]], []):
        found = load_selected_options(dump_json(pairs), texts)
        expected = [RED if pair == ["Color", "Red"] else SelectedOption(pair[0], pair[1]) for pair in pairs]
        assert list(found) == expected
    assert merge_option_texts([(dump_json([["Color", "Blue"]]), texts)]) is None
