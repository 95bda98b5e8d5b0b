"""The vendor's models of its API (Swagger 2.0), as far as they are used: what is wrong with a request or an answer."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

Shape = Mapping[str, Any]
FILES = (
    "listingsItems_2021-08-01.json",
    "fbaInventory.json",
    "orders_2026-01-01.json",
    "feeds_2021-06-30.json",
)
TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
}


def specs() -> Path | None:
    """Where the vendors' specifications lie; None: nowhere."""
    beside = Path(__file__).parents[3] / "shared" / "specs"
    folder = Path(os.environ.get("VENDOR_SPECS", beside)) / "amazon"
    return folder if folder.is_dir() else None


@dataclass(frozen=True)
class Operation:
    """One operation of a model, with the definitions that it refers to."""

    path: str
    told: Shape
    definitions: Shape

    def wrong_request(self, path: str, query: Mapping[str, str], body: object = None) -> list[str]:
        """What the model has against a request. `body`: None where it has none."""
        places = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(self.path))
        found = [] if re.fullmatch(places, path) else [f"the path {path} is not {self.path}"]
        known = {one["name"]: one for one in self.told["parameters"] if one["in"] == "query"}
        found += [f"{name}: unknown" for name in query if name not in known]
        found += [f"{name}: missing" for name, one in known.items() if one.get("required") and name not in query]
        for name, value in query.items():
            found += [f"{name}: {problem}" for problem in _wrong_value(known.get(name, {}), value)]
        return found + self._wrong_body(body)

    def _wrong_body(self, body: object) -> list[str]:
        known = next((one for one in self.told["parameters"] if one["in"] == "body"), None)
        if known is None:
            return [] if body is None else ["body: unknown"]
        return ["body: missing"] if body is None else list(self._wrong(known["schema"], body, "body"))

    def wrong_answer(self, status: int, answer: object) -> list[str]:
        """What the model has against an answer."""
        return list(self._wrong(self.told["responses"][str(status)]["schema"], answer, "answer"))

    def pairs(self) -> list[tuple[Shape, Shape]]:
        """The requests of Amazon's own static sandbox, and its answers."""
        (good,) = (said for status, said in self.told["responses"].items() if status.startswith("2"))
        static = good.get("x-amzn-api-sandbox", {}).get("static", [])
        return [({n: v["value"] for n, v in _parameters(one)}, one["response"]) for one in static]

    def _wrong(self, schema: Shape, value: object, place: str) -> Iterator[str]:
        if "$ref" in schema:
            schema = self.definitions[schema["$ref"].rsplit("/", 1)[-1]]
        kind = schema.get("type", "object")
        if not isinstance(value, TYPES[kind]) or (kind != "boolean" and isinstance(value, bool)):
            yield f"{place}: expected {kind}, found {type(value).__name__}"
        elif isinstance(value, dict):
            yield from self._wrong_fields(schema, value, place)
        elif isinstance(value, list):
            if len(value) < schema.get("minItems", 0) or len(value) > schema.get("maxItems", len(value)):
                yield f"{place}: {len(value)} are too few or too many"
            for number, item in enumerate(value):
                yield from self._wrong(schema["items"], item, f"{place}[{number}]")
        else:
            yield from (f"{place}: {problem}" for problem in _wrong_scalar(schema, value))

    def _wrong_fields(self, schema: Shape, value: Shape, place: str) -> Iterator[str]:
        """A field that no model knows is wrong as well: a sandbox must not be cleverer than what it plays."""
        known = schema.get("properties", {})
        yield from (f"{place}.{name}: missing" for name in schema.get("required", ()) if name not in value)
        for name, item in value.items():
            if name in known:
                yield from self._wrong(known[name], item, f"{place}.{name}")
            elif not schema.get("additionalProperties"):
                yield f"{place}.{name}: unknown"


def operations(folder: Path) -> dict[str, Operation]:
    """Every operation of the models, by name."""
    models = [json.loads((folder / name).read_text(encoding="utf-8")) for name in FILES]
    return {
        told["operationId"]: Operation(path, told, model["definitions"])
        for model in models
        for path, methods in model["paths"].items()
        for told in methods.values()
        if isinstance(told, dict) and "operationId" in told
    }


def _parameters(pair: Shape) -> Iterator[tuple[str, Shape]]:
    given = pair["request"]["parameters"].items()
    yield from ((name, value) for name, value in given if "value" in value)


def _wrong_value(parameter: Shape, value: str) -> list[str]:
    if parameter.get("type") != "array":
        return list(_wrong_scalar(parameter, _typed(parameter.get("type"), value)))
    values, most = value.split(","), parameter.get("maxItems", len(value))
    problems = [f"more than {most} values"] if len(values) > most else []
    return problems + [problem for one in values for problem in _wrong_scalar(parameter["items"], one)]


def _typed(kind: object, value: str) -> Any:
    if kind == "integer" and value.lstrip("-").isdigit():
        return int(value)
    return {"true": True, "false": False}.get(value, value) if kind == "boolean" else value


def _wrong_scalar(schema: Shape, value: Any) -> Iterator[str]:
    kind = schema.get("type", "string")
    if not isinstance(value, TYPES[kind]):
        yield f"expected {kind}, found {value!r}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{value!r} is not one of {', '.join(schema['enum'])}"
    if value != "" and schema.get("format") == "date-time" and not _is_moment(value):
        yield f"{value!r} is not a date and time"
    if value < schema.get("minimum", value) or value > schema.get("maximum", value):
        yield f"{value!r} is out of range"


def _is_moment(value: Any) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False
