"""Documents that are malformed or request excessive work."""

from __future__ import annotations

from tests.http.corpus.hostile import build_query_request


def build_nested(levels: int) -> str:
    return "{ node(id: 1) " + "{ ... on Category { parent " * levels + "{ id }" + " } }" * levels + " }"


def build_fragment_bomb(levels: int) -> str:
    """Build fragments each of which spreads the next one twice."""
    fragments = " ".join(f"fragment F{n} on Query {{ a: __typename ...F{n + 1} ...F{n + 1} }}" for n in range(levels))
    return f"{{ ...F0 }} {fragments} fragment F{levels} on Query {{ __typename }}"


def build_doubling(levels: int) -> str:
    """Build nested fragments where each level has twice the fields of the level above, under other aliases."""
    fragments = " ".join(
        f"fragment F{n} on Category {{ a: parent {{ ...F{n + 1} }} b: parent {{ ...F{n + 1} }} }}"
        for n in range(levels)
    )
    return f"{{ node(id: 1) {{ ...F0 }} }} {fragments} fragment F{levels} on Category {{ id }}"


REQUESTS = {
    "nothing": build_query_request(""),
    "a comment": build_query_request("# nothing"),
    "many comments": build_query_request("#\n" * 80_000 + "{ __typename }"),
    "commas": build_query_request("," * 150_000),
    "braces": build_query_request("{" * 150_000),
    "brackets": build_query_request("query ($a: " + "[" * 20_000 + "Int" + "]" * 20_000 + ") { __typename }"),
    "values in values": build_query_request("{ product(by: " + "{a: " * 20_000 + "1" + "}" * 20_000 + ") { id } }"),
    "lists in lists": build_query_request("{ nodes(ids: " + "[" * 20_000 + "]" * 20_000 + ") { id } }"),
    "a string that does not end": build_query_request('{ node(id: "'),
    "a block string that is very long": build_query_request('{ node(id: """' + "a\n" * 50_000 + '""") { id } }'),
    "escapes that are none": build_query_request('{ node(id: "\\u{110000}") { id } }'),
    "half a surrogate pair": build_query_request('{ node(id: "\\uD800") { id } }'),
    "a byte order mark": build_query_request("\ufeff{ __typename }", fine=True),
    "a space that is none": build_query_request("{\u00a0__typename\u2028}"),
    "a name that is very long": build_query_request("{ " + "a" * 150_000 + " }"),
    "a number that is very long": build_query_request("{ products(first: " + "9" * 150_000 + ") { totalCount } }"),
    "a fraction that is very long": build_query_request("{ products(first: 0." + "9" * 100_000 + ") { totalCount } }"),
    "too many tokens": build_query_request("{" + " a" * 70_000 + " }"),
    "too deep": build_query_request(build_nested(500)),
    "a little too deep": build_query_request(build_nested(40)),
    "as wide as it gets": build_query_request("{" + " ".join(f"a{n}: __typename" for n in range(1_900)) + "}"),
    "the same field over and over": build_query_request("{" + " __typename" * 3_000 + "}"),
    "aliases": build_query_request("{" + " ".join(f"a{n}: channels {{ key }}" for n in range(700)) + "}"),
    "one name for different things": build_query_request(
        "{" + " ".join(f"a: node(id: {n}) {{ id }}" for n in range(190)) + "}"
    ),
    "fragments that unfold": build_query_request(build_fragment_bomb(25), fine=True),
    "fields that double": build_query_request(build_doubling(25)),
    "a fragment in itself": build_query_request("{ ...A } fragment A on Query { ...A }"),
    "fragments in a circle": build_query_request("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }"),
    "a fragment that is not there": build_query_request("{ ...A }"),
    "an unused fragment": build_query_request("{ __typename } fragment A on Query { __typename }"),
    "a fragment twice": build_query_request(
        "{ ...A } fragment A on Query { a: __typename } fragment A on Query { b: __typename }"
    ),
    "fragments of no type": build_query_request("{ ... on Nothing { id } ... on CartStatus { id } }"),
    "directives": build_query_request("{ __typename " + "@include(if: true) " * 900 + "}"),
    "directives that are not there": build_query_request("{ __typename " + "@a " * 1_000 + "}"),
    "both skipped and included": build_query_request("{ __typename @skip(if: true) @include(if: true) }", fine=True),
    "variables": build_query_request("query (" + " ".join(f"$a{n}: Int" for n in range(900)) + ") { __typename }"),
    "a variable in its own default": build_query_request("query ($a: Int = $a) { products(first: $a) { totalCount } }"),
    "a variable that is not there": build_query_request("{ products(first: $a) { totalCount } }"),
    "a variable twice": build_query_request("query ($a: Int, $a: Int) { products(first: $a) { totalCount } }"),
    "an operation twice": build_query_request("query A { __typename } query A { __typename }"),
    "several operations": build_query_request("query A { __typename } query B { __typename }"),
    "a hundred operations": build_query_request(" ".join(f"query Q{n} {{ __typename }}" for n in range(100))),
    "a subscription": build_query_request("subscription { anything }"),
    "a schema": build_query_request("type Query { a: Int } schema { query: Query }"),
    "an extension of the schema": build_query_request("extend type Query { a: Int } { __typename }"),
    "introspection in circles": build_query_request(
        "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }",
        fine=True,
    ),
    "introspection of nothing": build_query_request('{ __type(name: "") { name } }', fine=True),
    "a hidden field of an object": build_query_request("{ viewer { __class__ } }"),
    "a leaf with fields": build_query_request("{ viewer { kind { a } } }"),
    "an object without fields": build_query_request("{ viewer }"),
    "a mutation without an input": build_query_request("mutation { cartCreate { cart { id } } }"),
    "a mutation many times": build_query_request(
        "mutation {" + " ".join(f"a{n}: cartCreate {{ cart {{ id }} }}" for n in range(300)) + "}"
    ),
    "SQL": build_query_request('{ products(search: "\'; DROP TABLE products; --") { totalCount } }', fine=True),
    "a script": build_query_request('{ products(search: "<script>alert(1)</script>") { totalCount } }', fine=True),
}
