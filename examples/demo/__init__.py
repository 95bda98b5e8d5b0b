"""The world of `make demo`: two shops with real receipts, and a control server that plays the outside world."""
