"""The simple interface (CSP), as its existing clients know it: rounds from 0, SYSTEM's lines, times after `since`."""

from __future__ import annotations

from typing import Any

from tests.contract.charts import Asks, Chart, Gets, Opens
from tests.contract.patterns import ANY, ISO, MILLISECONDS, NUMBER, TEXT, Is, Let, like

ID = like(r"msg-\d+")
TOKEN = like(r"gc_\S+")
SENT = {"success": True, "messageId": ID, "seq": NUMBER}


def registered(name: str, wish: str | None = None) -> Asks:
    answer = {"success": True, "agentId": name, "token": Let(f"token of {name}", TOKEN)}
    return Asks("POST", "/register", 201, answer, body={"agentId": wish or name, "capabilities": {"chat": True}})


def said(from_: str, content: str, to: str | None = None, path: str = "/message") -> Asks:
    body = {"from": from_, "content": content} | ({} if to is None else {"to": to})
    return Asks("POST", path, 200, SENT, body=body)


def refused(method: str, path: str, status: int, error: Any = TEXT, **more: Any) -> Asks:
    answer = {"error": error, "code": TEXT, **more.pop("also", {})}
    return Asks(method, path, status, answer, **more)


def message(  # noqa: PLR0917 - what a message has
    from_: str, to: str, content: Any, type_: str, signal: Any = None, current: Any = None
) -> dict[str, Any]:
    return {
        "id": ID,
        "timestamp": ISO,
        "from": from_,
        "to": to,
        "content": content,
        "type": type_,
        "turnSignal": signal,
        "currentTurn": current,
    }


def line(content: Any, signal: Any = None, current: Any = None) -> dict[str, Any]:
    return message("SYSTEM", "broadcast", content, "system", signal, current)


def floor(  # noqa: PLR0917 - what a mode has
    mode: str, topic: str, round_: int, rounds: int, order: list[str], index: int
) -> dict[str, Any]:
    return {
        "mode": mode,
        "topic": topic,
        "round": round_,
        "maxRounds": rounds,
        "turnOrder": order,
        "currentTurnIndex": index,
        "lastTurnChange": MILLISECONDS if order else 0,
        "warningIssued": False,
    }


def mode_now(shape: dict[str, Any], current: str | None) -> dict[str, Any]:
    return {**shape, "currentTurn": current, "orchestration": shape}


def listed(name: str, shown: str, kind: str, online: bool = True, queued: Any = NUMBER) -> dict[str, Any]:
    shape = {"id": name, "name": shown, "lastSeen": MILLISECONDS, "online": online, "kind": kind}
    return {**shape, "activity": "unknown", "queued": queued}


def turn(who: str) -> Is:
    return like(rf"@{who} - Your turn\.(?s:.*)")


TWO = (registered("claude"), registered("gemini"))
FREE = floor("freeform", "", 0, 0, [], 0)
BEGUN = floor("debate", "tabs", 0, 2, ["claude", "gemini"], 0)
DEBATE = {"mode": "debate", "topic": "tabs", "agents": ["claude", "gemini"], "rounds": 2}

CHARTS: dict[str, Chart] = {
    "a name is lowered, and numbered when it is taken": (
        registered("claude", "Claude"),
        registered("claude-2", "claude"),
        refused("POST", "/register", 400, "Invalid agent name", body={"agentId": "a b"}),
        refused("POST", "/register", 400, "Invalid agent name", body={}),
    ),
    "the token opens, and nothing else": tuple(
        refused(method, path, 401, "Invalid authentication token", token=token, body={} if method == "POST" else None)
        for method, path in (
            *(("GET", "/health"), ("POST", "/register"), ("POST", "/agent-output"), ("POST", "/message")),
            *(("GET", "/inbox/claude"), ("GET", "/agents"), ("GET", "/history"), ("GET", "/mode"), ("POST", "/mode")),
            *(("POST", "/turn/next"), ("DELETE", "/agent/claude"), ("GET", "/ws"), ("GET", "/events")),
        )
        for token in (None, "wrong")
    ),
    "health": (
        registered("claude"),
        Asks(
            "GET",
            "/health",
            200,
            {"status": "ok", "agents": 1, "uptime": NUMBER, "commitAge": NUMBER, "queue": NUMBER, "lastError": ANY},
        ),
    ),
    "a message to one is taken from its inbox once": (
        *TWO,
        said("claude", "look at this", "gemini"),
        said("claude", "and this", "gemini", "/agent-output"),
        Asks(
            "GET",
            "/inbox/gemini",
            200,
            [message("claude", "gemini", "look at this", "direct"), message("claude", "gemini", "and this", "direct")],
        ),
        Asks("GET", "/inbox/gemini", 200, []),
        Asks("GET", "/inbox/claude", 200, []),
        refused("GET", "/inbox/nobody", 404),
    ),
    "what is for everyone comes to all but its author": (
        *TWO,
        registered("codex"),
        said("claude", "one"),
        said("claude", "two", "broadcast"),
        said("Human", "three", "all"),
        *(
            Asks("GET", f"/inbox/{name}", 200, [message(who, "broadcast", text, "broadcast") for who, text in heard])
            for name, heard in {
                "claude": [("Human", "three")],
                "gemini": [("claude", "one"), ("claude", "two"), ("Human", "three")],
                "codex": [("claude", "one"), ("claude", "two"), ("Human", "three")],
            }.items()
        ),
    ),
    "Human is made on the fly and is one member": (
        Asks("GET", "/inbox/Human", 200, []),
        registered("claude"),
        said("claude", "hello", "Human"),
        Asks("GET", "/inbox/Human", 200, [message("claude", "human", "hello", "direct")]),
        Asks("GET", "/inbox/human", 200, []),
    ),
    "agents": (
        registered("claude"),
        said("Human", "x", "claude"),
        Asks(
            "GET",
            "/agents",
            200,
            [
                listed("alice", "alice", "human", online=False),
                listed("claude", "claude", "agent", queued=1),
                listed("human", "Human", "human"),
            ],
        ),
        Asks("DELETE", "/agent/claude", 200, {"success": True}),
        refused("DELETE", "/agent/claude", 404),
    ),
    "history: the last ones, from, to, and what came after a time": (
        *TWO,
        said("claude", "one"),
        said("claude", "two", "gemini"),
        said("gemini", "three"),
        Asks(
            "GET",
            "/history?limit=3",
            200,
            {
                "count": 3,
                "total": 5,
                "messages": [
                    message("claude", "broadcast", "one", "broadcast"),
                    message("claude", "gemini", "two", "direct"),
                    {**message("gemini", "broadcast", "three", "broadcast"), "timestamp": Let("third", ISO)},
                ],
            },
        ),
        Asks("GET", "/history?from=SYSTEM", 200, {"count": 2, "total": 2, "messages": [line(TEXT), line(TEXT)]}),
        Asks("GET", "/history?to=gemini", 200, {"count": 1, "total": 1, "messages": [ANY]}),
        Asks("GET", "/history?since={third}", 200, {"count": 0, "total": 0, "messages": []}),
        refused("GET", "/history?since=yesterday", 400),
    ),
    "what is pushed": (
        Opens("socket", "/ws?token={team}"),
        registered("claude"),
        Gets("socket", line("claude joined the conversation")),
        said("claude", "hello"),
        Gets("socket", message("claude", "broadcast", "hello", "message")),
        said("Human", "only you", "claude"),
        Gets("socket", message("Human", "claude", "only you", "message")),
        said("Human", "!look here", "claude"),
        Gets("socket", message("Human", "claude", "!look here", "message")),
        Asks("POST", "/message", 200, {"success": True, "messageId": ID}, body={"from": "Human", "content": "!stop"}),
        Gets(
            "socket",
            {"type": "message", "id": ID, "from": "Human", "to": "claude", "content": "!stop", "timestamp": ISO},
        ),
        Asks("POST", "/message", 200, {"success": True, "messageId": ID}, body={"from": "Human", "content": "/pause"}),
        Gets(
            "socket",
            {"type": "message", "id": ID, "from": "Human", "to": "claude", "content": "/pause", "timestamp": ISO},
        ),
    ),
    "a debate of two rounds": (
        *TWO,
        Asks("GET", "/inbox/human", 200, []),
        Opens("socket", "/ws?token={team}"),
        Asks("GET", "/mode", 200, mode_now(FREE, None)),
        refused("POST", "/turn/next", 400),
        refused("POST", "/mode", 400, "Invalid mode", body={"mode": "shouting"}),
        Asks("POST", "/mode", 200, {"success": True, "orchestration": BEGUN}, body=DEBATE),
        Asks("GET", "/mode", 200, mode_now(BEGUN, "claude")),
        *(
            Gets("socket", line(text, None, "claude"))
            for text in ("Mode: DEBATE", "Topic: tabs", "@claude - Your turn.")
        ),
        *(
            Asks(
                "GET",
                f"/inbox/{name}",
                200,
                [line(text, "turn_wait", "claude") for text in ("Mode: DEBATE", "Topic: tabs", "@claude - Your turn.")],
            )
            for name in ("gemini", "human")
        ),
        Asks(
            "GET",
            "/inbox/claude",
            200,
            [
                line("Mode: DEBATE", "your_turn", "claude"),
                line("Topic: tabs", "your_turn", "claude"),
                message("SYSTEM", "broadcast", turn("claude"), "broadcast", "your_turn", "claude"),
            ],
        ),
        said("claude", "my position"),
        Gets("socket", message("claude", "broadcast", "my position", "message", None, "claude")),
        Gets("socket", line("@gemini - Your turn.", None, "gemini")),
        Asks("POST", "/turn/next", 200, {"success": True, "currentTurn": "claude", "round": 1}),
        Gets("socket", line("Round 2", None, "claude")),
        Gets("socket", line("@claude - Your turn.", None, "claude")),
        Asks("POST", "/turn/next", 200, {"success": True, "currentTurn": "gemini", "round": 1}),
        Gets("socket", line("@gemini - Your turn.", None, "gemini")),
        Asks("POST", "/turn/next", 200, {"success": True, "complete": True}),
        Gets("socket", line("DEBATE complete.")),
        Asks("GET", "/mode", 200, mode_now(FREE, None)),
    ),
    "words in the band": (
        *TWO,
        Asks(
            "POST",
            "/message",
            200,
            {"success": True, "working": True, "updated": False},
            body={"from": "claude", "content": "WORKING on it"},
        ),
        Asks("POST", "/message", 200, {"success": True, "messageId": None}, body={"from": "claude", "content": "NOOP"}),
        Asks(
            "POST",
            "/message",
            200,
            {"success": True, "messageId": ID, "orchestration": FREE},
            body={"from": "claude", "content": "@mode.status"},
        ),
        Asks("GET", "/inbox/claude", 200, [message("SYSTEM", "claude", "[CSP: mode freeform]", "system")]),
        said("claude", "@send.gemini please look"),
        Asks("GET", "/inbox/gemini", 200, [message("claude", "gemini", "please look", "direct")]),
        registered("orchestrator"),
        refused(
            "POST", "/message", 400, "Invalid orchestrator command", body={"from": "orchestrator", "content": "hello"}
        ),
    ),
    "what is wrong is said, and the next request is served": (
        registered("claude"),
        refused("POST", "/message", 400, body={"from": "claude"}),
        refused("POST", "/message", 400, body={"content": "x"}),
        refused("POST", "/message", 400, body={"from": "claude", "content": ""}),
        refused("POST", "/message", 400, body=b"{"),
        refused("POST", "/message", 400, body=b"[]"),
        refused(
            "POST", "/message", 404, body={"from": "claude", "content": "x", "to": "cluade"}, also={"nearest": ANY}
        ),
        refused("POST", "/message", 409, body={"from": "alice", "content": "x"}),
        refused("POST", "/message", 413, body={"from": "claude", "content": "x" * 300_000}),
        said("claude", "still here"),
    ),
    "a member's own token speaks for itself alone": (
        *TWO,
        Asks("POST", "/message", 200, SENT, body={"content": "hi", "to": "gemini"}, token="token of claude"),
        refused("POST", "/message", 403, body={"from": "gemini", "content": "x"}, token="token of claude"),
        refused("GET", "/inbox/gemini", 403, token="token of claude"),
        Asks("GET", "/inbox/gemini", 200, [message("claude", "gemini", "hi", "direct")], token="token of gemini"),
    ),
}
