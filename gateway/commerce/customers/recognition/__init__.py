"""Recognition: which records of channels are one customer, as a pure function (rule C3)."""
