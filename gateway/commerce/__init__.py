"""Commerce: the use cases, by noun. Each is a function of a connection, model values and a `SellingContext`."""
