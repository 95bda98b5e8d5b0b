"""The judged queries are what their written rule says (bench/judged_search/README.md)."""

from __future__ import annotations

from collections import Counter

import pytest

from bench.judged_search.grades import JudgedQuery, judge_title, prepare_title, score_order
from bench.judged_search.queries import FILE, NUMBERS, generate_queries, load_titles, render_queries

TITLES = load_titles()
QUERIES = generate_queries(TITLES)


def test_the_stored_queries_are_generated_from_the_titles() -> None:
    assert render_queries(QUERIES) == FILE.read_text(encoding="utf-8")


def test_there_are_200_queries_of_which_a_third_is_held_out() -> None:
    assert Counter(query.kind for query in QUERIES) == Counter(NUMBERS)
    assert (len(QUERIES), sum(query.is_held_out for query in QUERIES)) == (200, 66)


def test_each_query_has_a_product_of_the_best_grade() -> None:
    titles = [prepare_title(*item) for item in TITLES.items()]
    assert [query.text for query in QUERIES if all(judge_title(query, title) < 3 for title in titles)] == []


@pytest.mark.parametrize(
    ("title", "grade"),
    [
        ("RED RETROSPOT CAKE TIN", 3),
        ("SET OF 3 CAKE TINS RED RETROSPOT DESIGN", 3),
        ("RED CAKE TIN", 1),
        ("RED RETROSPOT TIN OPENER BOX", 2),
        ("RED RETROSPOT MUG", 0),
    ],
)
def test_a_grade_follows_from_the_words_and_the_thing_of_a_title(title: str, grade: int) -> None:
    query = JudgedQuery(1, "modifiers", "red retrospot tin", ("red", "retrospot", "tin"), False)
    assert judge_title(query, prepare_title("1", title)) == grade


def test_the_best_order_scores_one_and_any_other_less() -> None:
    query = JudgedQuery(1, "modifier", "cake tin", ("cake", "tin"), False)
    titles = {
        "a": prepare_title("a", "CAKE TIN"),
        "b": prepare_title("b", "CAKE TIN BOX"),
        "c": prepare_title("c", "BOX"),
    }
    assert score_order(query, ["a", "b", "c"], titles) == 1
    assert score_order(query, ["c", "a", "b"], titles) < score_order(query, ["b", "a"], titles) < 1
