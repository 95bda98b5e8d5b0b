"""Types of customers."""
