"""Compiler of queries: an operation becomes a Python function that runs one batch per level for all parents.

`generator` writes the function, `plan` keeps it, `run` executes it. It handles what succeeds. After any error, the
reference executor completes the operation from what has been loaded, so that errors are exactly its own (rule E1).
"""
