"""What may stand at a place of a command line. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

Index = Mapping[str, Any]
PATH = tuple[str, ...]


class CompletedWord(NamedTuple):
    """A word that may stand there, and what it means."""

    word: str
    help: str = ""


@dataclass(frozen=True)
class WantedWord:
    """The candidates that are known already, and the kind of the values that must be looked up. `given` are the
    arguments before this one."""

    candidates: tuple[CompletedWord, ...] = ()
    kind: str = ""
    given: tuple[str, ...] = ()
    options: Mapping[str, str] | None = None

    def option(self, name: str) -> str:
        return (self.options or {}).get(name, "")


KIND_BY_NAME = {
    "room": "room",
    "message": "message",
    "reply_to": "message",
    "before": "message",
    "after": "message",
    "since": "message",
    "decision": "decision",
    "session": "session",
    "mode": "mode",
    "from_": "member",
    "to": "member",
    "wakes": "member",
    "voter": "member",
    "participant": "member",
    "member": "member",
    "state": "",
}
KIND_BY_PLACE = {
    "send words": "address",
    "up team": "",
    "context history before": "",  # a version
    "transcript since": "",  # a time
    "transcript thread": "message",
    "attach team": "team",
    "down team": "team",
    "logs name": "log",
    "restart name": "pane",
    "approve name": "ask",
    "approve option": "ask option",
    "deny name": "ask",
    "continue which": "agent or room",
    "share policy": "policy",
    "keys names": "key",
    "rooms join": "room",
    "rooms leave": "room",
    "rooms invite names": "member",
    "rooms kick name": "member",
    "members rm name": "member",
    "token revoke name": "member",
    "token rotate name": "member",
    **{f"{verb} name": "agent" for verb in ("stop", "pause", "resume", "share", "role", "keys", "rm", "explain")},
    "why name": "agent",
    "join agent": "program",
    "add agent": "program",
    "skill agent": "program with skills",
    "skill name": "skill",
    **{f"{verb} name": "agent" for verb in ("cancel", "retry")},
    **{f"session {verb} name": "session" for verb in ("close", "pause", "resume", "show", "summary")},
    **{f"context {verb} name": "document" for verb in ("push", "pull", "merge", "diff", "history", "delete")},
}


def wanted_at(index: Index, words: Sequence[str], incomplete: str) -> WantedWord:
    """What may stand after `words`, where `incomplete` has been typed already."""
    if "--" in words:  # what follows is another program's command line
        return WantedWord()
    place = _Place(index)
    for word in words:
        place.take(word)
    return place.wanted(incomplete)


def kind_of_parameter(path: PATH, name: str) -> str:
    place = " ".join([*path, name])
    return KIND_BY_PLACE[place] if place in KIND_BY_PLACE else KIND_BY_NAME.get(name, "")


class _Place:
    """The command that the words so far have reached, its arguments, and the option that waits for a value."""

    def __init__(self, index: Index) -> None:
        self._node, self._path = index, tuple[str, ...]()
        self._given, self._values = list[str](), dict[str, str]()
        self._option: Mapping[str, Any] | None = None

    def take(self, word: str) -> None:
        if self._option is not None:
            self._values[self._option["name"]], self._option = word, None
        elif word.startswith("-") and word != "-":
            found = self._find_option(word)
            if found is None and self._path == ("mode",):  # `mode --room lab` is short for `mode status --room lab`
                self._enter("status")
                found = self._find_option(word)
            self._option = found if found is not None and found["takes"] else None
        elif not self._given and word in self._node["verbs"]:
            self._enter(word)
        else:
            if self._path == ("mode",):  # `mode debate` is short for `mode set debate`
                self._enter("set")
            self._given.append(word)

    def _enter(self, verb: str) -> None:
        self._node, self._path = self._node["verbs"][verb], (*self._path, verb)

    def _find_option(self, word: str) -> Mapping[str, Any] | None:
        return next((one for one in self._node["options"] if word in one["names"]), None)

    def wanted(self, incomplete: str) -> WantedWord:
        if self._option is not None:
            return self._value_of(self._option)
        if incomplete.startswith("-"):
            names = (CompletedWord(name, one["help"]) for one in self._node["options"] for name in one["names"])
            return WantedWord(tuple(names))
        if self._node["verbs"] and not self._given:
            verbs = tuple(CompletedWord(name, one["help"]) for name, one in self._node["verbs"].items())
            return WantedWord(verbs, "mode" if self._path == ("mode",) else "")
        return self._next_argument()

    def _next_argument(self) -> WantedWord:
        arguments = self._node["arguments"]
        at = min(len(self._given), len(arguments) - 1)
        if at < 0 or (len(self._given) >= len(arguments) and not arguments[at]["many"]):
            return WantedWord()
        return self._value_of(arguments[at])

    def _value_of(self, param: Mapping[str, Any]) -> WantedWord:
        choices = tuple(map(CompletedWord, param["choices"]))
        return WantedWord(choices, kind_of_parameter(self._path, param["name"]), tuple(self._given), self._values)
