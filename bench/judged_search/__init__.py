"""Judged search queries: 200 queries over the products of the demo, with grades by the rule of `README.md`."""
