"""Documents that are broken, or ask for more than anybody needs."""

from __future__ import annotations

from tests.http.corpus.hostile import asking


def nested(levels: int) -> str:
    return "{ node(id: 1) " + "{ ... on Category { parent " * levels + "{ id }" + " } }" * levels + " }"


def bomb(levels: int) -> str:
    """Fragments of which each holds the next one twice."""
    fragments = " ".join(f"fragment F{n} on Query {{ a: __typename ...F{n + 1} ...F{n + 1} }}" for n in range(levels))
    return f"{{ ...F0 }} {fragments} fragment F{levels} on Query {{ __typename }}"


def doubling(levels: int) -> str:
    """Each level has twice the fields of the one above, under other names."""
    fragments = " ".join(
        f"fragment F{n} on Category {{ a: parent {{ ...F{n + 1} }} b: parent {{ ...F{n + 1} }} }}"
        for n in range(levels)
    )
    return f"{{ node(id: 1) {{ ...F0 }} }} {fragments} fragment F{levels} on Category {{ id }}"


REQUESTS = {
    "nothing": asking(""),
    "a comment": asking("# nothing"),
    "many comments": asking("#\n" * 80_000 + "{ __typename }"),
    "commas": asking("," * 150_000),
    "braces": asking("{" * 150_000),
    "brackets": asking("query ($a: " + "[" * 20_000 + "Int" + "]" * 20_000 + ") { __typename }"),
    "values in values": asking("{ product(by: " + "{a: " * 20_000 + "1" + "}" * 20_000 + ") { id } }"),
    "lists in lists": asking("{ nodes(ids: " + "[" * 20_000 + "]" * 20_000 + ") { id } }"),
    "a string that does not end": asking('{ node(id: "'),
    "a block string that is very long": asking('{ node(id: """' + "a\n" * 50_000 + '""") { id } }'),
    "escapes that are none": asking('{ node(id: "\\u{110000}") { id } }'),
    "half a surrogate pair": asking('{ node(id: "\\uD800") { id } }'),
    "a byte order mark": asking("\ufeff{ __typename }", fine=True),
    "a space that is none": asking("{\u00a0__typename\u2028}"),
    "a name that is very long": asking("{ " + "a" * 150_000 + " }"),
    "a number that is very long": asking("{ products(first: " + "9" * 150_000 + ") { totalCount } }"),
    "a fraction that is very long": asking("{ products(first: 0." + "9" * 100_000 + ") { totalCount } }"),
    "too many tokens": asking("{" + " a" * 70_000 + " }"),
    "too deep": asking(nested(500)),
    "a little too deep": asking(nested(40)),
    "as wide as it gets": asking("{" + " ".join(f"a{n}: __typename" for n in range(1_900)) + "}"),
    "the same field over and over": asking("{" + " __typename" * 3_000 + "}"),
    "aliases": asking("{" + " ".join(f"a{n}: channels {{ key }}" for n in range(700)) + "}"),
    "one name for different things": asking("{" + " ".join(f"a: node(id: {n}) {{ id }}" for n in range(190)) + "}"),
    "fragments that unfold": asking(bomb(25), fine=True),
    "fields that double": asking(doubling(25)),
    "a fragment in itself": asking("{ ...A } fragment A on Query { ...A }"),
    "fragments in a circle": asking("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }"),
    "a fragment that is not there": asking("{ ...A }"),
    "a fragment that nobody uses": asking("{ __typename } fragment A on Query { __typename }"),
    "a fragment twice": asking("{ ...A } fragment A on Query { a: __typename } fragment A on Query { b: __typename }"),
    "fragments of no type": asking("{ ... on Nothing { id } ... on CartStatus { id } }"),
    "directives": asking("{ __typename " + "@include(if: true) " * 900 + "}"),
    "directives that are not there": asking("{ __typename " + "@a " * 1_000 + "}"),
    "both skipped and included": asking("{ __typename @skip(if: true) @include(if: true) }", fine=True),
    "variables": asking("query (" + " ".join(f"$a{n}: Int" for n in range(900)) + ") { __typename }"),
    "a variable in its own default": asking("query ($a: Int = $a) { products(first: $a) { totalCount } }"),
    "a variable that is not there": asking("{ products(first: $a) { totalCount } }"),
    "a variable twice": asking("query ($a: Int, $a: Int) { products(first: $a) { totalCount } }"),
    "an operation twice": asking("query A { __typename } query A { __typename }"),
    "several operations": asking("query A { __typename } query B { __typename }"),
    "a hundred operations": asking(" ".join(f"query Q{n} {{ __typename }}" for n in range(100))),
    "a subscription": asking("subscription { anything }"),
    "a schema": asking("type Query { a: Int } schema { query: Query }"),
    "an extension of the schema": asking("extend type Query { a: Int } { __typename }"),
    "introspection in circles": asking(
        "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }",
        fine=True,
    ),
    "introspection of nothing": asking('{ __type(name: "") { name } }', fine=True),
    "a hidden field of an object": asking("{ viewer { __class__ } }"),
    "a leaf with fields": asking("{ viewer { kind { a } } }"),
    "an object without fields": asking("{ viewer }"),
    "a mutation without an input": asking("mutation { cartCreate { cart { id } } }"),
    "a mutation many times": asking(
        "mutation {" + " ".join(f"a{n}: cartCreate {{ cart {{ id }} }}" for n in range(300)) + "}"
    ),
    "SQL": asking('{ products(search: "\'; DROP TABLE products; --") { totalCount } }', fine=True),
    "a script": asking('{ products(search: "<script>alert(1)</script>") { totalCount } }', fine=True),
}
