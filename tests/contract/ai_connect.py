"""AI-Connect's bridge, as its existing clients know it."""

from __future__ import annotations

from typing import Any

from tests.contract.charts import Chart, Ends, Gets, Opens, Says, Step
from tests.contract.patterns import ANY, ISO, TEXT, Let, Ref, like

PING, PONG = {"type": "ping"}, "pong"
ID = like(r"msg-\d+")


def registers(who: str, name: str, project: str | None = None, full: str | None = None) -> tuple[Step, ...]:
    shown = full or (f"{name} ({project})" if project else name)
    wish = {"type": "register", "name": name} | ({"project": project} if project else {})
    return (
        Opens(who),
        Says(who, wish),
        Gets(who, {"type": "registered", "name": Let(who, shown), "requested": name}),
    )


def unread(who: str, *messages: Any) -> Gets:
    return Gets(who, {"type": "unread", "messages": list(messages)})


def enters(who: str, name: str, *, seen_by: str | None = None) -> tuple[Step, ...]:
    told = () if seen_by is None else (joined(seen_by, name),)
    return (*registers(who, name), *told, unread(who))


def joined(who: str, name: str, project: str | None = None) -> Gets:
    return Gets(who, {"type": "peer_joined", "peer": {"name": name, "ip": TEXT, "project": project}})


def said(from_: str, to: str, content: Any, context: Any = None) -> dict[str, Any]:
    return {"id": ID, "from": from_, "to": to, "content": content, "context": context, "timestamp": ISO}


def brought(who: str, from_: str, to: str, content: Any, context: Any = None) -> Gets:
    return Gets(who, {"type": "message", **said(from_, to, content, context)})


def sends(who: str, to: str, content: str, **more: Any) -> Says:
    return Says(who, {"type": "message", "to": to, "content": content, **more})


def told(who: str) -> Gets:
    """A line of the gateway itself: this wire has no errors."""
    shape = {"id": "", "from": "system", "to": Ref(who), "content": TEXT, "context": None, "timestamp": ISO}
    return Gets(who, {"type": "message", **shape})


def listed(name: str) -> dict[str, Any]:
    return {"name": name, "ip": TEXT, "connected_at": ISO}


TWO = (*enters("a", "Aragon"), *enters("b", "Boromir", seen_by="a"))

CHARTS: dict[str, Chart] = {
    "a name, and with a project the full name": (
        *registers("a", "Aragon", "website"),
        unread("a"),
        *registers("b", "Aragon", "shop"),
        joined("a", "Aragon (shop)", "shop"),
        unread("b"),
    ),
    "ping": (*enters("a", "Aragon"), Says("a", {"type": "ping"}), Gets("a", {"type": "pong"})),
    "from one to another, and no echo": (
        *TWO,
        sends("a", "Boromir", "hello", context={"file": "a.py", "lines": "1-2"}),
        brought("b", "Aragon", "Boromir", "hello", {"file": "a.py", "lines": "1-2"}),
        sends("b", "bor", "to myself"),
        told("b"),
        sends("b", "ara", "part of a name"),
        brought("a", "Boromir", "Aragon", "part of a name"),
    ),
    "to everyone": (
        *TWO,
        sends("a", "*", "all of you"),
        brought("b", "Aragon", "*", "all of you"),
    ),
    "nobody of that name": (*TWO, sends("a", "Nobody", "x"), told("a"), sends("a", "", "x"), told("a")),
    "what was missed comes when the peer is back": (
        *TWO,
        Ends("b"),
        sends("a", "Boromir", "while you were away"),
        *registers("b", "Boromir"),
        unread("b", said("Aragon", "Boromir", "while you were away")),
    ),
    "the newer connection replaces the older": (
        *enters("a", "Aragon"),
        *registers("again", "Aragon"),
        unread("again"),
        *enters("b", "Boromir", seen_by="again"),
        sends("b", "Aragon", "which one?"),
        brought("again", "Boromir", "Aragon", "which one?"),
        Ends("a"),
    ),
    "who is here, after the news of it": (
        *TWO,
        Says("b", {"type": "list_peers"}),
        Gets("b", {"type": "peer_list", "peers": [listed("Aragon"), listed("Boromir")]}),
        Says("a", {"type": "list_peers"}),
        Gets("a", {"type": "peer_list", "peers": [listed("Aragon"), listed("Boromir")]}),
    ),
    "history, oldest first": (
        *TWO,
        sends("a", "Boromir", "one"),
        brought("b", "Aragon", "Boromir", "one"),
        sends("b", "Aragon", "two"),
        brought("a", "Boromir", "Aragon", "two"),
        Says("a", {"type": "history", "peer": "Boromir"}),
        Gets(
            "a",
            {
                "type": "history",
                "peer": "Boromir",
                "messages": [said("Aragon", "Boromir", "one"), said("Boromir", "Aragon", "two")],
            },
        ),
        Says("a", {"type": "history", "peer": "Boromir", "limit": 1}),
        Gets("a", {"type": "history", "peer": "Boromir", "messages": [said("Boromir", "Aragon", "two")]}),
    ),
    "an observer hears and is not seen": (
        *enters("a", "Aragon"),
        Opens("viewer"),
        Says("viewer", {"type": "register", "name": "_viewer_"}),
        Gets("viewer", {"type": "registered", "name": "_viewer_", "requested": "_viewer_"}),
        unread("viewer"),
        sends("a", "*", "seen by it"),
        brought("viewer", "Aragon", "*", "seen by it"),
        Says("a", {"type": "list_peers"}),
        Gets("a", {"type": "peer_list", "peers": [listed("Aragon")]}),
    ),
    "what is no frame is ignored, and the connection lives on": (
        *enters("a", "Aragon"),
        *(Says("a", text) for text in ("{", "[]", "7", "{}", '{"type":"nonsense"}', '{"type":7}', "")),
        Says("a", {"type": "ping"}),
        Gets("a", {"type": "pong"}),
    ),
    "first of all one registers": (
        Opens("a"),
        sends("a", "*", "x"),
        Gets("a", {"type": "message", **{**said("system", "", TEXT), "id": ""}}),
        Says("a", {"type": "history", "peer": "x"}),
        Gets("a", {"type": "message", **{**said("system", "", TEXT), "id": ""}}),
        Says("a", {"type": "list_peers"}),
        Gets("a", {"type": "peer_list", "peers": ANY}),
    ),
}
