"""`python -m bench.judged_search`: writes `queries.tsv` anew."""

from __future__ import annotations

from bench.judged_search.queries import FILE, generate_queries, load_titles, render_queries

if __name__ == "__main__":
    FILE.write_text(render_queries(generate_queries(load_titles())), encoding="utf-8")
