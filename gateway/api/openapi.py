"""The OpenAPI document, built from the table of operations, and a page for it that loads nothing from other hosts."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from functools import cache
from typing import Any

import msgspec

import gateway
from gateway.operations.operation import Operation
from gateway.operations.operation_table import OPERATIONS
from gateway.protocol import codec
from gateway.protocol.errors import ErrorBody

_CODE = re.compile(r"`([^`]+)`")
_REF = "#/components/schemas/{name}"
# Clients are generated from these names, so a schema keeps its name when its class gets another one.
_SCHEMA_NAMES = {"LoopHoldView": "BrakeView"}


class ErrorAnswer(msgspec.Struct):
    error: ErrorBody


@cache
def encoded_document() -> bytes:
    """The encoded document. It is the same for every caller, so it is built once."""
    return codec.encode(build_document())


def build_document() -> dict[str, Any]:
    bodies = [one.request for one in OPERATIONS]
    results = [one.result for one in OPERATIONS]
    _, components = msgspec.json.schema_components([*bodies, *results, ErrorAnswer], ref_template=_REF)
    schemas = {schema_name(name): _with_schema_names(schema) for name, schema in components.items()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "llm-groupchat",
            "version": gateway.__version__,
            "description": "All requests of the protocol. docs/protocol.md describes the streams.",
        },
        "security": [{"bearer": []}, {"header": []}, {"query": []}],
        "paths": _paths(schemas),
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "header": {"type": "apiKey", "in": "header", "name": "X-Auth-Token"},
                "query": {"type": "apiKey", "in": "query", "name": "token"},
            },
        },
    }


def schema_name(class_name: str) -> str:
    return _SCHEMA_NAMES.get(class_name, class_name)


def _with_schema_names(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_with_schema_names(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    named = {key: _with_schema_names(value) for key, value in schema.items()}
    if isinstance(title := named.get("title"), str):
        named["title"] = schema_name(title)
    if isinstance(reference := named.get("$ref"), str):
        named["$ref"] = _REF.format(name=schema_name(reference.rpartition("/")[2]))
    return named


def _paths(schemas: dict[str, Any]) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, schemas)
    return paths


def _operation(operation: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    name = schema_name(operation.request.__name__)
    schema = schemas[name]
    in_path = set(re.findall(r"{(\w+)}", operation.path))
    fields = {name: one for name, one in schema["properties"].items() if name not in ("n", "op")}
    described: dict[str, Any] = {
        "operationId": str(operation.request.__struct_config__.tag),
        "summary": (operation.request.__doc__ or name).split("\n\n")[0].replace("\n    ", " "),
        "parameters": [_parameter(name, fields[name], "path", True) for name in sorted(in_path)],
        "responses": _responses(operation),
    }
    others = {name: one for name, one in fields.items() if name not in in_path}
    required = [name for name in schema.get("required", ()) if name in others]
    if operation.method in ("GET", "DELETE"):
        described["parameters"] += [_parameter(name, one, "query", name in required) for name, one in others.items()]
    else:
        body = {
            "type": "object",
            "properties": {**others, "n": {"type": "integer"}},
            "required": required,
            "additionalProperties": False,
        }
        described["requestBody"] = {"required": bool(required), "content": {"application/json": {"schema": body}}}
    return described


def _parameter(name: str, schema: dict[str, Any], where: str, required: bool) -> dict[str, Any]:
    return {"name": name, "in": where, "required": required, "schema": _without_null(schema)}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Remove `null` from a schema: a URL parameter is present or absent, never null."""
    options = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
    return {**rest, **options[0]} if len(options) == 1 else schema


def _responses(operation: Operation) -> dict[str, Any]:
    def content(name: str) -> dict[str, Any]:
        return {"application/json": {"schema": {"$ref": _REF.format(name=schema_name(name))}}}

    return {
        "200": {"description": "Done.", "content": content(operation.result.__name__)},
        "default": {"description": "An error.", "content": content("ErrorAnswer")},
    }


@cache
def build_page() -> str:
    """The document as one plain page."""
    rows = "".join(
        _row(path, method, one)
        for path, methods in build_document()["paths"].items()
        for method, one in methods.items()
    )
    return _PAGE.format(version=html.escape(gateway.__version__), rows=rows)


def _row(path: str, method: str, operation: dict[str, Any]) -> str:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    names = [
        *_parameter_names(operation["parameters"]),
        *(f"{name}" for name in body.get("properties", {}) if name != "n"),
    ]
    needed = {*body.get("required", ()), *(one["name"] for one in operation["parameters"] if one["required"])}
    fields = ", ".join(f"<b>{html.escape(name)}</b>" if name in needed else html.escape(name) for name in names)
    summary = _CODE.sub(r"<code>\1</code>", html.escape(operation["summary"]))
    return f"<tr><td><code>{method.upper()} {html.escape(path)}</code></td><td>{summary}</td><td>{fields}</td></tr>"


def _parameter_names(parameters: Iterable[dict[str, Any]]) -> list[str]:
    return [str(one["name"]) for one in parameters]


_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>llm-groupchat API</title><style>
:root{{color-scheme:light dark}}
body{{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}}
table{{border-collapse:collapse;width:100%}}td{{border-top:1px solid #8884;padding:.4rem .6rem;vertical-align:top}}
td:first-child{{white-space:nowrap}}</style></head><body><h1>llm-groupchat {version}</h1>
<p>Every call takes a token: <code>Authorization: Bearer TOKEN</code>, <code>X-Auth-Token: TOKEN</code> or
<code>?token=TOKEN</code>. Errors are <code>{{"error":{{"code","message"}}}}</code>. The machine-readable form is
<a href="/openapi.json">/openapi.json</a>. Streams: <code>/v1/ws</code>, <code>/v1/events?since=SEQ</code>;
simple ones: <code>/ws?token=TOKEN</code>, <code>/events</code>. Required fields are bold.</p>
<table>{rows}</table></body></html>
"""
