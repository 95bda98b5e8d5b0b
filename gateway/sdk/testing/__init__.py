"""For tests: `memory`, a channel that can do everything, with its `rows` and `faults`; `sandbox`, the kit for twins."""
