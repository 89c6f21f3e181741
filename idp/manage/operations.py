"""What can be asked of the management door: each operation is a function, and tells by its types what it takes.

    @operation("POST", "/people/{name}/disable")
    def disable(provider: Provider, name: str) -> Person: ...

`{name}` comes from the path, a `Body` from the request's JSON, a `Query` from its query.  From the same types comes the
description of the whole in OpenAPI 3.1, so that it cannot say anything else than what is done.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter

Function = typing.TypeVar("Function", bound=Callable[..., Any])
PARAMETER = re.compile(r"\{(\w+)\}")


class Body(BaseModel):
    """A JSON object with exactly these members, each of exactly this type.

    What checks it is built when the first is checked: the server's workers, which load this as well, never do.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)


class Query(BaseModel):
    """Parameters of a query, each at most once."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)


class CannotDo(Exception):
    """What was asked for cannot be done; `status` says whose fault that is."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


@dataclass(frozen=True)
class Operation:
    """One thing that can be asked for."""

    method: str
    path: str
    does: Callable[..., Any]

    @property
    def name(self) -> str:
        """`people.add`: the module and the function."""
        return f"{self.does.__module__.rpartition('.')[2]}.{self.does.__name__}"

    @property
    def summary(self) -> str:
        """The first line of its docstring."""
        return (self.does.__doc__ or "").partition("\n")[0].rstrip(".")

    @property
    def parameters(self) -> list[str]:
        """The names in its path."""
        return PARAMETER.findall(self.path)

    @property
    def types(self) -> dict[str, Any]:
        """What it takes, and what it answers (`return`)."""
        return typing.get_type_hints(self.does)

    @property
    def body(self) -> type[Body] | None:
        """What its JSON must be; None when it takes none."""
        found: type[Body] | None = self.types.get("body")
        return found

    @property
    def query(self) -> type[Query] | None:
        """What its query must be; None when it takes none."""
        found: type[Query] | None = self.types.get("query")
        return found

    @property
    def answer(self) -> TypeAdapter[Any]:
        """What it answers."""
        return TypeAdapter(self.types["return"])


OPERATIONS: list[Operation] = []


def operation(method: str, path: str) -> Callable[[Function], Function]:
    """Offer a function at the door."""

    def offer(does: Function) -> Function:
        OPERATIONS.append(Operation(method, path, does))
        return does

    return offer


def document() -> dict[str, Any]:
    """All of it in OpenAPI 3.1, whose schemas are JSON Schema as pydantic writes it."""
    schemas: dict[str, Any] = {}
    paths: dict[str, dict[str, Any]] = {}
    for each in OPERATIONS:
        paths.setdefault(each.path, {})[each.method.lower()] = _described(each, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Management of the identity provider",
            "version": "1",
            "description": "For tests. It asks nobody who they are, and listens on loopback alone.",
        },
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _described(each: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    in_path = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in each.parameters]
    asked = _schema(TypeAdapter(each.query), schemas, "validation", inline=True) if each.query else {"properties": {}}
    in_query = [{"name": name, "in": "query", "schema": schema} for name, schema in asked["properties"].items()]
    answers = {
        "200": {"description": "Done", "content": _json(_schema(each.answer, schemas, "serialization"))},
        "default": {"description": "Not done, and why (RFC 9457)", "content": {"application/problem+json": {}}},
    }
    described: dict[str, Any] = {"operationId": each.name, "tags": [each.name.partition(".")[0]]}
    described |= {"summary": each.summary, "parameters": in_path + in_query, "responses": answers}
    if each.body:
        content = _json(_schema(TypeAdapter(each.body), schemas, "validation"))
        described["requestBody"] = {"required": True, "content": content}
    return described


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _schema(
    adapter: TypeAdapter[Any], schemas: dict[str, Any], mode: typing.Literal["validation", "serialization"],
    inline: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """The schema of a type, as a reference into `schemas` where it has a name of its own."""
    found = adapter.json_schema(mode=mode, ref_template="#/components/schemas/{model}")
    schemas.update(found.pop("$defs", {}))
    if "title" not in found or inline:
        return found
    schemas[found["title"]] = found
    return {"$ref": f"#/components/schemas/{found['title']}"}
