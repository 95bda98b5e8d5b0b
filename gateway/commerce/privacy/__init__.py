"""Privacy: exports and erases of the data of customers (rules C11 to C13)."""
