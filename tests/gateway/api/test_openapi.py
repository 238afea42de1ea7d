"""The OpenAPI document is whole and true to the table it is made from, and its page loads nothing from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import aiohttp
import jsonschema_rs
import msgspec
import pytest

from gateway.api import openapi
from gateway.operations.operation import Operation
from gateway.operations.operation_table import OPERATIONS
from gateway.protocol import codec
from tests.support.gateways import Gateway

DOCUMENT: dict[str, Any] = msgspec.json.decode(codec.encode(openapi.build_document()))
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
OPERATION_OBJECTS = [(path, method, one) for path, item in DOCUMENT["paths"].items() for method, one in item.items()]


def inside(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of a document."""
    if isinstance(value, dict):
        yield value
        for one in value.values():
            yield from inside(one)
    elif isinstance(value, list):
        for one in value:
            yield from inside(one)


def schemas_of(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for parameter in operation["parameters"]:
        yield parameter["schema"]
    for content in (operation.get("requestBody", {}), *operation["responses"].values()):
        for media in content.get("content", {}).values():
            yield media["schema"]


def test_the_head_of_the_document() -> None:
    assert re.fullmatch(r"3\.1\.\d", DOCUMENT["openapi"])
    assert set(DOCUMENT["info"]) >= {"title", "version"}
    assert set(DOCUMENT) <= {"openapi", "info", "servers", "paths", "components", "security", "tags"}
    schemes = set(DOCUMENT["components"]["securitySchemes"])
    assert {name for one in DOCUMENT["security"] for name in one} == schemes


def test_every_reference_leads_somewhere() -> None:
    references = [one["$ref"] for one in inside(DOCUMENT) if "$ref" in one]
    assert references
    for reference in references:
        value: Any = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            value = value[step]
        assert isinstance(value, dict)


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_every_schema_is_a_json_schema(name: str) -> None:
    jsonschema_rs.meta.validate(SCHEMAS[name] | {"$schema": "https://json-schema.org/draft/2020-12/schema"})


@pytest.mark.parametrize(("path", "method", "one"), OPERATION_OBJECTS)
def test_an_operation_is_complete(path: str, method: str, one: dict[str, Any]) -> None:
    assert path.startswith("/v1/") and method in METHODS
    assert set(one) <= {"operationId", "summary", "description", "parameters", "requestBody", "responses"}
    assert one["summary"] and "\n" not in one["summary"]
    assert {"200", "default"} <= set(one["responses"])
    assert all(response["description"] and response["content"] for response in one["responses"].values())
    for schema in schemas_of(one):
        jsonschema_rs.meta.validate(schema | {"$schema": "https://json-schema.org/draft/2020-12/schema"})


@pytest.mark.parametrize(("path", "method", "one"), OPERATION_OBJECTS)
def test_parameters_are_named_once_and_stand_in_the_path(path: str, method: str, one: dict[str, Any]) -> None:
    places = [(parameter["name"], parameter["in"]) for parameter in one["parameters"]]
    assert len(places) == len(set(places))
    assert {name for name, place in places if place == "path"} == set(re.findall(r"{(\w+)}", path))
    assert all(parameter["required"] for parameter in one["parameters"] if parameter["in"] == "path")
    if method in ("get", "delete"):
        assert "requestBody" not in one
    else:
        body = one["requestBody"]["content"]["application/json"]["schema"]
        assert body["additionalProperties"] is False, "unknown fields are refused"
        assert not {name for name, _ in places} & set(body["properties"])
        assert set(body["required"]) <= set(body["properties"])
        assert one["requestBody"]["required"] is bool(body["required"])


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: str(one.request.__struct_config__.tag))
def test_each_operation_of_the_table_is_there_with_all_its_fields(operation: Operation) -> None:
    one = DOCUMENT["paths"][operation.path][operation.method.lower()]
    assert one["operationId"] == operation.request.__struct_config__.tag
    names = {parameter["name"] for parameter in one["parameters"]}
    names |= set(
        one.get("requestBody", {})
        .get("content", {})
        .get("application/json", {})
        .get("schema", {})
        .get("properties", {})
    )
    assert names | {"n"} == {field.encode_name for field in msgspec.structs.fields(operation.request)} | {"n"}
    reference = one["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
    assert reference.rsplit("/", 1)[1] == openapi.schema_name(operation.result.__name__)


def test_operations_have_ids_and_addresses_of_their_own() -> None:
    assert len({one["operationId"] for _, _, one in OPERATION_OBJECTS}) == len(OPERATION_OBJECTS) == len(OPERATIONS)


# the page


class Loads(HTMLParser):
    """Everything that a page refers to, and every kind of thing it is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "action", "data", "srcset")]


def test_the_page_loads_nothing_and_shows_every_operation() -> None:
    page = openapi.build_page()
    parser = Loads()
    parser.feed(page)
    parser.close()
    assert parser.links == ["/openapi.json"]
    assert not parser.tags & {"script", "link", "img", "iframe", "object", "embed", "base", "form"}
    assert "@import" not in page and "url(" not in page and "//" not in page
    for operation in OPERATIONS:
        assert f"<code>{operation.method} {operation.path}</code>" in page


async def test_both_are_served_without_a_token_and_the_page_may_load_nothing(gateway: Gateway) -> None:
    async with aiohttp.ClientSession(gateway.url) as session:
        async with session.get("/openapi.json") as response:
            assert (response.status, response.content_type) == (200, "application/json")
            assert await response.json() == DOCUMENT
        async with session.get("/docs") as response:
            assert (response.status, response.content_type) == (200, "text/html")
            assert response.headers["Content-Security-Policy"].startswith("default-src 'none';")
            assert await response.text() == openapi.build_page()
        async with session.get("/docs", headers={"Host": "evil.example"}) as response:
            assert response.status == 403


def test_a_schema_keeps_the_name_from_which_clients_were_generated() -> None:
    """A class may get another name; a schema, its title and all references to it keep theirs."""
    references = {one["$ref"].rpartition("/")[2] for one in inside(DOCUMENT) if isinstance(one.get("$ref"), str)}
    titles = {one["title"] for one in SCHEMAS.values() if "title" in one}
    assert {"Accepted", "BrakeView", "Composer", "Done", "Option", "Rung", "Step"} <= references | titles
    assert references <= SCHEMAS.keys() and titles <= SCHEMAS.keys()
