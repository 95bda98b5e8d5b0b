"""Types of segments of customers."""

from __future__ import annotations

from operator import attrgetter

from gateway.execution.fields import attribute, load
from gateway.execution.object_types import output
from gateway.graphql.loaders.customers.segments import load_segment_sizes
from gateway.graphql.scopes import CUSTOMERS_READ
from gateway.model.customers import segments


@output(segments.Segment, "A named filter of customers, from the configuration.", scopes=CUSTOMERS_READ)
class Segment:
    key: str = attribute("The key, for `CustomerFilter.segment`.")
    title: str = attribute("The name.")
    customers: int | None = load(
        "Number of customers, counted now.", load_segment_sizes, key=attrgetter("key"), cost=100
    )
