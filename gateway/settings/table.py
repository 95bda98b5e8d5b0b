"""Base class of the tables of the configuration."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Table(BaseModel):
    """Base class of all tables: unknown keys are refused, and values do not appear in errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
