"""Words that differ by one letter: one more, one less, another one, or two exchanged neighbors (rule T5)."""

from __future__ import annotations

MIN_WORD_LENGTH = 5
"""Words from this length on are also found with one letter wrong; in shorter ones that makes another word."""

MAX_WORD_LENGTH = 20
"""Up to this length: there are as many edits as letters."""


def has_edits(word: str) -> bool:
    """Return whether a word is also found with one letter wrong. Codes and numbers are not: they are exact."""
    return MIN_WORD_LENGTH <= len(word) <= MAX_WORD_LENGTH and word.isalpha()


def list_edits(word: str) -> set[str]:
    """List a word and what is left of it without one letter. Words that differ by one letter have one in common."""
    return {word, *(word[:at] + word[at + 1 :] for at in range(len(word)))}


def is_similar(one: str, other: str) -> bool:
    """Return whether two words are equal, or differ by one letter."""
    if len(one) > len(other):
        one, other = other, one
    start = _count_common(one, other)
    rest, other_rest = one[start:], other[start:]
    if len(one) < len(other):
        return rest == other_rest[1:]
    return rest[1:] == other_rest[1:] or (rest[:2] == other_rest[1::-1] and rest[2:] == other_rest[2:])


def _count_common(one: str, other: str) -> int:
    """Count the letters with which both words begin."""
    pairs = zip(one, other, strict=False)
    return next((at for at, (left, right) in enumerate(pairs) if left != right), min(len(one), len(other)))
