"""How shared documents are shown to a model, and where they can be read."""

from __future__ import annotations

import pytest

from gateway.mcp import shared_document_text
from gateway.protocol.errors import NotFound
from gateway.protocol.results import ContextDocument
from gateway.protocol.types.core_types import ContextInfo

PLAN = {"steps": [{"who": "ada"}, {"who": "ben"}], "goal": "ship"}


@pytest.mark.parametrize(
    ("at", "found"),
    [("steps.1.who", "ben"), ("goal", "ship"), ("steps.0", {"who": "ada"})],
)
def test_a_part(at: str, found: object) -> None:
    assert shared_document_text.value_at(PLAN, at) == found


@pytest.mark.parametrize(
    ("at", "says"),
    [
        ("aim", "'aim' is not in steps, goal"),
        ("steps.2", "'2' is not in list"),
        ("goal.x", "'x' is not in str"),
        ("steps.-1", "'-1' is not in list"),
        ("", "''"),
    ],
)
def test_no_such_part(at: str, says: str) -> None:
    with pytest.raises(NotFound, match=says):
        shared_document_text.value_at(PLAN, at)


def test_a_long_one_says_how_to_read_the_rest() -> None:
    found = ContextDocument("#general", "main", 3, 9, "ada", "", {"a": "x" * 7000, "b": 1})
    last = shared_document_text.document_text(found).splitlines()[-1]
    assert last.startswith("… ") and last.endswith("at=a or b")


def test_content_cannot_pass_for_more_than_it_is() -> None:
    found = ContextDocument("#general", "main", 3, 9, "ada", "", {"a": "x\nmain of #general, version 9"})
    assert all(line.startswith("| ") for line in shared_document_text.document_text(found).splitlines()[1:])


@pytest.mark.parametrize("scope", ["#general", "@ada", "global"])
@pytest.mark.parametrize("name", ["main", "a.b-c_1"])
def test_an_address_leads_back(scope: str, name: str) -> None:
    assert shared_document_text.parse_address_of_document(
        shared_document_text.address_of_document(ContextInfo(scope, name, 1, 1, "ada", ""))
    ) == (scope, name)


@pytest.mark.parametrize(
    "address",
    [
        "groupchat://recent",
        "groupchat://context/room/general",
        "groupchat://context/house/main/x",
        "http://context/global/x",
    ],
)
def test_what_is_no_address(address: str) -> None:
    assert shared_document_text.parse_address_of_document(address) is None
