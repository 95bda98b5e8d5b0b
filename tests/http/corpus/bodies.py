"""Bodies and parameters that are not a valid request, or barely."""

from __future__ import annotations

from tests.http.corpus.hostile import HostileRequest, build_get_request

REQUESTS = {
    "nothing": HostileRequest(b""),
    "spaces": HostileRequest(b" " * 100_000),
    "a byte order mark": HostileRequest(b'\xef\xbb\xbf{"query": "{ __typename }"}'),
    "UTF-16": HostileRequest('{"query": "{ __typename }"}'.encode("utf-16")),
    "UTF-32": HostileRequest('{"query": "{ __typename }"}'.encode("utf-32")),
    "Latin-1": HostileRequest('{"query": "{ é }"}'.encode("latin-1")),
    "overlong UTF-8": HostileRequest(b'{"query": "\xc0\xaf"}'),
    "a surrogate in UTF-8": HostileRequest(b'{"query": "\xed\xa0\x80"}'),
    "half a surrogate pair, escaped": HostileRequest(b'{"query": "\\ud83d"}'),
    "NUL": HostileRequest(b"\0" * 1_000),
    "NUL in the document": HostileRequest(b'{"query": "{ __typename }\\u0000"}'),
    "a comment": HostileRequest(b'/* */ {"query": "{ __typename }"}'),
    "a comma too many": HostileRequest(b'{"query": "{ __typename }",}'),
    "single quotes": HostileRequest(b"{'query': '{ __typename }'}"),
    "two values": HostileRequest(b'{"query": "{ __typename }"}{"query": "{ __typename }"}'),
    "cut off": HostileRequest(b'{"query": "{ __typen'),
    "null": HostileRequest(b"null"),
    "true": HostileRequest(b"true"),
    "a number": HostileRequest(b"-0.0e-0"),
    "a number with a million digits": HostileRequest(b"1" * 150_000),
    "a number beyond all floats": HostileRequest(
        b'{"query": "{ __typename }", "variables": {"a": 1e999999}}', fine=True
    ),
    "infinity": HostileRequest(b'{"query": "{ __typename }", "variables": {"a": Infinity}}'),
    "a string": HostileRequest(b'"{ __typename }"'),
    "an empty list": HostileRequest(b"[]"),
    "lists in lists": HostileRequest(b"[" * 100_000 + b"]" * 100_000),
    "objects in objects": HostileRequest(b'{"a":' * 30_000 + b"1" + b"}" * 30_000),
    "variables in variables": HostileRequest(
        b'{"query": "{ __typename }", "variables": ' + b'{"a":' * 1_000 + b"1" + b"}" * 1_001, fine=True
    ),
    "a key a hundred thousand times": HostileRequest(b"{" + b'"a":1,' * 30_000 + b'"a":1}'),
    "keys that collide with Python": HostileRequest(
        b'{"__class__": {}, "query": "{ __typename }", "self": 1}', fine=True
    ),
    "keys that collide with JavaScript": HostileRequest(b'{"__proto__": {"query": "{ __typename }"}}'),
    "too large": HostileRequest(b'{"query": "' + b"a" * 300_000 + b'"}'),
    "no string as document": HostileRequest(b'{"query": ["{ __typename }"]}'),
    "no object as variables": HostileRequest(b'{"query": "{ __typename }", "variables": "{}"}'),
    "no object as extensions": HostileRequest(b'{"query": "{ __typename }", "extensions": [1]}'),
    "no string as operation": HostileRequest(b'{"query": "{ __typename }", "operationName": ["a"]}'),
    "no string as id": HostileRequest(b'{"documentId": {"$ne": null}}'),
    "an operation that is not there": HostileRequest(b'{"query": "{ __typename }", "operationName": "\\u0000"}'),
    "a form": HostileRequest(b"query=%7B__typename%7D", ((b"content-type", b"application/x-www-form-urlencoded"),)),
    "several parts": HostileRequest(b"--x\r\n\r\n--x--", ((b"content-type", b"multipart/form-data; boundary=x"),)),
    "no parameters": build_get_request(""),
    "variables in variables with GET": build_get_request(
        "query=%7B__typename%7D&variables=" + "%7B%22a%22:" * 900 + "1" + "%7D" * 900, fine=True
    ),
    "a parameter without a value": build_get_request("query"),
    "a parameter twice": build_get_request("query=%7B__typename%7D&query=%7Bviewer%7Bkind%7D%7D"),
    "a parameter in another alphabet": build_get_request("query=%ff%fe"),
    "a parameter that is cut off": build_get_request("query=%7B__typename%7D&variables=%"),
    "variables that are no JSON": build_get_request("query=%7B__typename%7D&variables=%7B"),
    "variables that are no object": build_get_request("query=%7B__typename%7D&variables=3"),
    "extensions that are deep": build_get_request("query=%7B__typename%7D&extensions=" + "%5B" * 5_000),
    "a mutation with GET": build_get_request("query=mutation%7B__typename%7D"),
    "a thousand parameters": build_get_request(
        "query=%7B__typename%7D&" + "&".join(f"a{n}=1" for n in range(2_000)), fine=True
    ),
    "a semicolon": build_get_request("query=%7B__typename%7D;query=a", fine=True),
}
