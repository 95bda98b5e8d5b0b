"""Commerce Gateway: every sales channel of a retailer behind one GraphQL schema."""

__version__ = "0.1.0"
