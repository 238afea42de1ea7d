"""Looks up values: names, rooms, numbers. What cannot be found at once is left out, without a word."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit, urlunsplit

import msgspec

from controller.cli.completion.expected_words import CompletedWord, WantedWord
from gateway.client.discovery.endpoint import Endpoint, find_endpoint
from gateway.client.discovery.rules_files import rules_files_in
from gateway.client.discovery.team_discovery import own_state_folders, state_folder
from gateway.client.known_agents import KNOWN_AGENTS, agents_with_skills
from gateway.client.timeouts import TIMEOUT_VARIABLE, timeouts_from
from gateway.protocol.errors import GroupChatError
from gateway.protocol.text.role_prompts import PROMPTS
from gateway.protocol.types.core_types import SHARE_POLICIES, bare_name
from gateway.protocol.types.key_names import KEY_NAMES

TIMEOUT_S = 0.5  # a person waits at the prompt; GROUPCHAT_TIMEOUT allows more
MAX_ANSWER_BYTES = 4_000_000
PORTS = {"http": 80, "https": 443}
MESSAGES = 30
MAX_HELP_CHARS = 60

Found = Iterator[CompletedWord]


def look_up(wanted: WantedWord, env: Mapping[str, str]) -> list[CompletedWord]:
    """The values of this kind; none if the gateway does not answer."""
    find = LOOKUPS.get(wanted.kind)
    if find is None:
        return []
    try:
        return list(find(wanted, Asker(env, wanted.option("gateway"), wanted.option("state"))))
    except (GroupChatError, OSError, ValueError, KeyError, TypeError, msgspec.MsgspecError):
        return []


class Asker:
    """Asks the gateway that the command would use."""

    def __init__(self, env: Mapping[str, str], gateway: str, state: str) -> None:
        self._env, self._gateway, self._state = env, gateway or None, state or None

    @property
    def folder(self) -> Path:
        return state_folder(self._env, self._state)

    @property
    def patience_s(self) -> float:
        return timeouts_from(self._env).opens if TIMEOUT_VARIABLE in self._env else TIMEOUT_S

    def get(self, path: str, name: str) -> list[dict[str, Any]]:
        """The list `name` of the answer to a GET request."""
        endpoint = find_endpoint(self._env, gateway=self._gateway, state=self._state)
        answer = _http_get(endpoint, path, self.patience_s)
        found: list[dict[str, Any]] = msgspec.json.decode(answer, type=dict[str, Any]).get(name, [])
        return found


def _http_get(endpoint: Endpoint, path: str, timeout_s: float) -> bytes:
    """HTTP/1.0, so that the answer ends with the connection."""
    url = urlsplit(endpoint.at(path))
    with _connected(endpoint, url, timeout_s) as sock:
        wanted = urlunsplit(("", "", url.path, url.query, ""))
        head = f"GET {wanted} HTTP/1.0\r\nHost: {url.netloc}\r\nAuthorization: Bearer {endpoint.token}\r\n\r\n"
        sock.sendall(head.encode())
        answer = bytearray()
        while len(answer) < MAX_ANSWER_BYTES and (some := sock.recv(1 << 16)):
            answer += some
    status, _, body = bytes(answer).partition(b"\r\n\r\n")
    if b" 200 " not in status.split(b"\r\n", 1)[0]:
        raise ValueError("the gateway refuses")
    return body


def _connected(endpoint: Endpoint, url: SplitResult, timeout_s: float) -> socket.socket:
    if endpoint.socket is not None:
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(timeout_s)
        sock.connect(str(endpoint.socket))
        return sock
    name = url.hostname or ""
    sock = socket.create_connection((name, url.port or PORTS[url.scheme]), timeout_s)
    return endpoint.trust.context().wrap_socket(sock, server_hostname=name) if endpoint.secure else sock


def _short(text: object) -> str:
    line = " ".join(str(text).split())
    return line if len(line) <= MAX_HELP_CHARS else f"{line[: MAX_HELP_CHARS - 1]}…"


def _members(wanted: WantedWord, ask: Asker) -> Found:
    for one in ask.get("/v1/members", "agents"):
        yield CompletedWord(one["name"], f"{one.get('role') or one['kind']}, {one.get('presence', 'away')}")


def _agents(wanted: WantedWord, ask: Asker) -> Found:
    for one in ask.get("/v1/members", "agents"):
        if one["kind"] == "agent":
            yield CompletedWord(one["name"], f"{one.get('role') or 'agent'}, {one.get('activity', 'unknown')}")


def _addresses(wanted: WantedWord, ask: Asker) -> Found:
    """`@name` for the first words of a message."""
    if all(word.startswith("@") for word in wanted.given):
        yield CompletedWord("@all", "everyone in the room")
        yield from (CompletedWord(f"@{one.word}", one.help) for one in _members(wanted, ask))


def _rooms(wanted: WantedWord, ask: Asker) -> Found:
    for one in ask.get("/v1/rooms", "rooms"):
        yield CompletedWord(one["name"], _short(one.get("topic", "")))


def _agents_and_rooms(wanted: WantedWord, ask: Asker) -> Found:
    yield from _agents(wanted, ask)
    yield from (CompletedWord(f"#{one.word}", one.help) for one in _rooms(wanted, ask))


def _messages(wanted: WantedWord, ask: Asker) -> Found:
    room = f"&room={quote(wanted.option('room'))}" if wanted.option("room") else ""
    for one in ask.get(f"/v1/messages?limit={MESSAGES}{room}", "messages"):
        yield CompletedWord(str(one["seq"]), _short(f"{one['from']}: {one['content']}"))


def _asks(wanted: WantedWord, ask: Asker) -> Found:
    for one in ask.get("/v1/asks", "asks"):
        yield CompletedWord(one["member"], _short(one.get("question", "")))


def _ask_options(wanted: WantedWord, ask: Asker) -> Found:
    for one in ask.get("/v1/asks", "asks"):
        if one["member"] == bare_name(wanted.given[0]):
            yield from (CompletedWord(option["key"], _short(option["text"])) for option in one.get("options", []))


def _decisions(wanted: WantedWord, ask: Asker) -> Found:
    for one in ask.get("/v1/decisions", "decisions"):
        yield CompletedWord(one["id"], _short(one.get("question", "")))


def _sessions(wanted: WantedWord, ask: Asker) -> Found:
    for one in ask.get("/v1/sessions", "sessions"):
        yield CompletedWord(one["name"], _short(one.get("goal", "")))


def _documents(wanted: WantedWord, ask: Asker) -> Found:
    for one in ask.get("/v1/contexts", "contexts"):
        yield CompletedWord(one["name"], one.get("scope", ""))


def _modes(wanted: WantedWord, ask: Asker) -> Found:
    for one in ask.get("/v1/modes", "modes"):
        yield CompletedWord(one["name"], _short(one.get("about", "")))
    yield CompletedWord("freeform", "Everybody speaks freely.")


def _logs(wanted: WantedWord, ask: Asker) -> Found:
    yield CompletedWord("gateway", "the gateway's log")
    yield from (CompletedWord(one.parent.name) for one in sorted(ask.folder.glob("sidecars/*/sidecar.log")))


def _panes(wanted: WantedWord, ask: Asker) -> Found:
    yield from (CompletedWord("chat"), CompletedWord("gateway"))
    yield from _agents(wanted, ask)


def _teams(wanted: WantedWord, ask: Asker) -> Found:
    for folder in own_state_folders():
        yield CompletedWord(folder.name if folder.parent.name == "teams" else "default")


def _programs(wanted: WantedWord, ask: Asker) -> Found:
    yield from map(CompletedWord, KNOWN_AGENTS)
    yield from (CompletedWord(one.stem, "a rules file of yours") for one in rules_files_in(ask.folder))


def _fixed(words: tuple[str, ...]) -> Callable[[WantedWord, Asker], Found]:
    return lambda wanted, ask: map(CompletedWord, words)


LOOKUPS: dict[str, Callable[[WantedWord, Asker], Found]] = {
    "member": _members,
    "agent": _agents,
    "address": _addresses,
    "room": _rooms,
    "agent or room": _agents_and_rooms,
    "message": _messages,
    "ask": _asks,
    "ask option": _ask_options,
    "decision": _decisions,
    "session": _sessions,
    "document": _documents,
    "mode": _modes,
    "log": _logs,
    "pane": _panes,
    "team": _teams,
    "program": _programs,
    "program with skills": _fixed(agents_with_skills()),
    "skill": _fixed(tuple(PROMPTS)),
    "policy": _fixed(tuple(SHARE_POLICIES)),
    "key": _fixed(tuple(KEY_NAMES)),
}
