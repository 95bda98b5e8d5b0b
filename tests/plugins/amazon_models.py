"""Amazon's models of its API (Swagger 2.0), as far as they are used: validation of requests and responses."""

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


def find_specs() -> Path | None:
    """Return the folder of the vendors' specifications, or None."""
    beside = Path(__file__).parents[3] / "shared" / "specs"
    folder = Path(os.environ.get("VENDOR_SPECS", beside)) / "amazon"
    return folder if folder.is_dir() else None


@dataclass(frozen=True)
class Operation:
    """An operation of a model, with the definitions that it refers to."""

    path: str
    specification: Shape
    definitions: Shape

    def check_request(self, path: str, query: Mapping[str, str], body: object = None) -> list[str]:
        """List the violations of a request. `body`: None where it has none."""
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(self.path))
        found = [] if re.fullmatch(pattern, path) else [f"the path {path} is not {self.path}"]
        known = {one["name"]: one for one in self.specification["parameters"] if one["in"] == "query"}
        found += [f"{name}: unknown" for name in query if name not in known]
        found += [f"{name}: missing" for name, one in known.items() if one.get("required") and name not in query]
        for name, value in query.items():
            found += [f"{name}: {problem}" for problem in _check_parameter(known.get(name, {}), value)]
        return found + self._check_body(body)

    def _check_body(self, body: object) -> list[str]:
        known = next((one for one in self.specification["parameters"] if one["in"] == "body"), None)
        if known is None:
            return [] if body is None else ["body: unknown"]
        return ["body: missing"] if body is None else list(self._check(known["schema"], body, "body"))

    def check_response(self, status: int, answer: object) -> list[str]:
        """List the violations of a response."""
        return list(self._check(self.specification["responses"][str(status)]["schema"], answer, "answer"))

    def list_sandbox_pairs(self) -> list[tuple[Shape, Shape]]:
        """List the requests of Amazon's static sandbox with their responses."""
        (good,) = (said for status, said in self.specification["responses"].items() if status.startswith("2"))
        static = good.get("x-amzn-api-sandbox", {}).get("static", [])
        return [({n: v["value"] for n, v in _list_parameters(one)}, one["response"]) for one in static]

    def _check(self, schema: Shape, value: object, path: str) -> Iterator[str]:
        if "$ref" in schema:
            schema = self.definitions[schema["$ref"].rsplit("/", 1)[-1]]
        kind = schema.get("type", "object")
        if not isinstance(value, TYPES[kind]) or (kind != "boolean" and isinstance(value, bool)):
            yield f"{path}: expected {kind}, found {type(value).__name__}"
        elif isinstance(value, dict):
            yield from self._check_fields(schema, value, path)
        elif isinstance(value, list):
            if len(value) < schema.get("minItems", 0) or len(value) > schema.get("maxItems", len(value)):
                yield f"{path}: {len(value)} are too few or too many"
            for number, item in enumerate(value):
                yield from self._check(schema["items"], item, f"{path}[{number}]")
        else:
            yield from (f"{path}: {problem}" for problem in _check_scalar(schema, value))

    def _check_fields(self, schema: Shape, value: Shape, path: str) -> Iterator[str]:
        """List the violations of an object, including unknown fields: a sandbox must not exceed the real API."""
        known = schema.get("properties", {})
        yield from (f"{path}.{name}: missing" for name in schema.get("required", ()) if name not in value)
        for name, item in value.items():
            if name in known:
                yield from self._check(known[name], item, f"{path}.{name}")
            elif not schema.get("additionalProperties"):
                yield f"{path}.{name}: unknown"


def load_operations(folder: Path) -> dict[str, Operation]:
    """Load the operations of the models by name."""
    models = [json.loads((folder / name).read_text(encoding="utf-8")) for name in FILES]
    return {
        operation["operationId"]: Operation(path, operation, model["definitions"])
        for model in models
        for path, methods in model["paths"].items()
        for operation in methods.values()
        if isinstance(operation, dict) and "operationId" in operation
    }


def _list_parameters(pair: Shape) -> Iterator[tuple[str, Shape]]:
    given = pair["request"]["parameters"].items()
    yield from ((name, value) for name, value in given if "value" in value)


def _check_parameter(parameter: Shape, value: str) -> list[str]:
    if parameter.get("type") != "array":
        return list(_check_scalar(parameter, _parse_typed(parameter.get("type"), value)))
    values, most = value.split(","), parameter.get("maxItems", len(value))
    problems = [f"more than {most} values"] if len(values) > most else []
    return problems + [problem for one in values for problem in _check_scalar(parameter["items"], one)]


def _parse_typed(kind: object, value: str) -> Any:
    if kind == "integer" and value.lstrip("-").isdigit():
        return int(value)
    return {"true": True, "false": False}.get(value, value) if kind == "boolean" else value


def _check_scalar(schema: Shape, value: Any) -> Iterator[str]:
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
