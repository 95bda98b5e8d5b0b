"""Texts are found in every script, as they are typed (rule T2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.search.text import split_search_words, split_words
from gateway.storage.sql.text_search import MAX_SEARCH_TERMS, parse_search_text


def is_found(search: str, text: str) -> bool:
    """Return whether a text has all words of a search, the last one as a prefix."""
    indexed = split_words(text)
    *whole, last = split_search_words(search)
    return all(word in indexed for word in whole) and any(word.startswith(last) for word in indexed)


@pytest.mark.parametrize(
    ("search", "text"),
    [
        *(("抹茶", "宇治抹茶ラテ"), ("茶", "宇治抹茶"), ("抹茶ラテ", "宇治抹茶ラテ"), ("宇治", "宇治抹茶ラテ")),
        *(("蓝牙", "无线蓝牙耳机"), ("蓝牙耳机 pro", "蓝牙耳机Pro"), ("ผ้าฝ้าย", "เสื้อผ้าฝ้าย"), ("हिन्दी", "हिन्दी किताब")),
        *(
            ("lozko", "Łóżko"),
            ("rodgrod", "Rødgrød"),
            ("den ban", "Đèn bàn"),
            ("isik", "I\u015f\u0131k"),
            ("kaerlighed", "Kærlighed"),
        ),
        *(("strasse", "Straße"), ("Łóżko", "lozko"), ("emile t-lig", "Émile's T-Light, 85123A")),
    ],
)
def test_a_text_is_found_as_it_is_typed(search: str, text: str) -> None:
    assert is_found(search, text)


@pytest.mark.parametrize(("search", "text"), [("茶抹", "宇治抹茶ラテ"), ("牙刷", "蓝牙耳机"), ("lozka", "Łóżko")])
def test_another_text_is_not_found(search: str, text: str) -> None:
    assert not is_found(search, text)


def test_words_are_indexed_without_case_accents_and_punctuation() -> None:
    assert split_words("Émile's T-Light, 85123A") == ["emile", "s", "t", "light", "85123a"]


def test_a_long_search_text_is_bounded() -> None:
    search = parse_search_text("宇治抹茶ラテ蓝牙耳机" * 40 + " 茶")
    assert search is not None and len(search.words) <= MAX_SEARCH_TERMS and search.words[-1] == "茶"
    many = parse_search_text(" ".join(f"w{n}" for n in range(100)))
    assert many is not None and many.words == tuple(f"w{n}" for n in range(68, 100))


@given(st.text())
def test_a_text_is_found_by_itself(text: str) -> None:
    if split_search_words(text):
        assert is_found(text, text)


@given(st.text(alphabet=st.sampled_from("宇治抹茶ラテ蓝牙ผ้าฝ้าย"), min_size=2), st.data())
def test_every_part_of_a_text_without_spaces_is_found(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    part = text[start : data.draw(st.integers(start + 1, len(text)))]
    if split_search_words(part):
        assert is_found(part, text)
