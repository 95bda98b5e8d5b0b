"""Recognition of customers, measured on generated records whose owners are known."""
