"""The size of a response, in fields: what is not a plain field counts as several."""

from __future__ import annotations

MAX_RESPONSE_FIELDS = 100_000
"""Fields of one response. They take a second or two, in which the process computes nothing else."""

LOAD_WEIGHT = 5
"""How many plain fields a field with a data loader counts as."""

ERROR_WEIGHT = 100
"""How many plain fields an error counts as."""

CHARACTERS_PER_FIELD = 100
"""How many characters of a text count as one field."""
