"""Bodies and parameters that are no request, or barely one."""

from __future__ import annotations

from tests.http.corpus.hostile import Hostile, getting

REQUESTS = {
    "nothing": Hostile(b""),
    "spaces": Hostile(b" " * 100_000),
    "a byte order mark": Hostile(b'\xef\xbb\xbf{"query": "{ __typename }"}'),
    "UTF-16": Hostile('{"query": "{ __typename }"}'.encode("utf-16")),
    "UTF-32": Hostile('{"query": "{ __typename }"}'.encode("utf-32")),
    "Latin-1": Hostile('{"query": "{ é }"}'.encode("latin-1")),
    "overlong UTF-8": Hostile(b'{"query": "\xc0\xaf"}'),
    "a surrogate in UTF-8": Hostile(b'{"query": "\xed\xa0\x80"}'),
    "half a surrogate pair, escaped": Hostile(b'{"query": "\\ud83d"}'),
    "NUL": Hostile(b"\0" * 1_000),
    "NUL in the document": Hostile(b'{"query": "{ __typename }\\u0000"}'),
    "a comment": Hostile(b'/* */ {"query": "{ __typename }"}'),
    "a comma too many": Hostile(b'{"query": "{ __typename }",}'),
    "single quotes": Hostile(b"{'query': '{ __typename }'}"),
    "two values": Hostile(b'{"query": "{ __typename }"}{"query": "{ __typename }"}'),
    "cut off": Hostile(b'{"query": "{ __typen'),
    "null": Hostile(b"null"),
    "true": Hostile(b"true"),
    "a number": Hostile(b"-0.0e-0"),
    "a number with a million digits": Hostile(b"1" * 150_000),
    "a number beyond all floats": Hostile(b'{"query": "{ __typename }", "variables": {"a": 1e999999}}', fine=True),
    "infinity": Hostile(b'{"query": "{ __typename }", "variables": {"a": Infinity}}'),
    "a string": Hostile(b'"{ __typename }"'),
    "an empty list": Hostile(b"[]"),
    "lists in lists": Hostile(b"[" * 100_000 + b"]" * 100_000),
    "objects in objects": Hostile(b'{"a":' * 30_000 + b"1" + b"}" * 30_000),
    "variables in variables": Hostile(
        b'{"query": "{ __typename }", "variables": ' + b'{"a":' * 1_000 + b"1" + b"}" * 1_001, fine=True
    ),
    "a key a hundred thousand times": Hostile(b"{" + b'"a":1,' * 30_000 + b'"a":1}'),
    "keys that collide with Python": Hostile(b'{"__class__": {}, "query": "{ __typename }", "self": 1}', fine=True),
    "keys that collide with JavaScript": Hostile(b'{"__proto__": {"query": "{ __typename }"}}'),
    "too large": Hostile(b'{"query": "' + b"a" * 300_000 + b'"}'),
    "no string as document": Hostile(b'{"query": ["{ __typename }"]}'),
    "no object as variables": Hostile(b'{"query": "{ __typename }", "variables": "{}"}'),
    "no object as extensions": Hostile(b'{"query": "{ __typename }", "extensions": [1]}'),
    "no string as operation": Hostile(b'{"query": "{ __typename }", "operationName": ["a"]}'),
    "no string as id": Hostile(b'{"documentId": {"$ne": null}}'),
    "an operation that is not there": Hostile(b'{"query": "{ __typename }", "operationName": "\\u0000"}'),
    "a form": Hostile(b"query=%7B__typename%7D", ((b"content-type", b"application/x-www-form-urlencoded"),)),
    "several parts": Hostile(b"--x\r\n\r\n--x--", ((b"content-type", b"multipart/form-data; boundary=x"),)),
    "no parameters": getting(""),
    "variables in variables with GET": getting(
        "query=%7B__typename%7D&variables=" + "%7B%22a%22:" * 900 + "1" + "%7D" * 900, fine=True
    ),
    "a parameter without a value": getting("query"),
    "a parameter twice": getting("query=%7B__typename%7D&query=%7Bviewer%7Bkind%7D%7D"),
    "a parameter in another alphabet": getting("query=%ff%fe"),
    "a parameter that is cut off": getting("query=%7B__typename%7D&variables=%"),
    "variables that are no JSON": getting("query=%7B__typename%7D&variables=%7B"),
    "variables that are no object": getting("query=%7B__typename%7D&variables=3"),
    "extensions that are deep": getting("query=%7B__typename%7D&extensions=" + "%5B" * 5_000),
    "a mutation with GET": getting("query=mutation%7B__typename%7D"),
    "a thousand parameters": getting("query=%7B__typename%7D&" + "&".join(f"a{n}=1" for n in range(2_000)), fine=True),
    "a semicolon": getting("query=%7B__typename%7D;query=a", fine=True),
}
