"""The names of the keys in Redis. All of a log have one hash tag, the part in braces, so that a script may use them
together also where Redis is split among several servers."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_NAME = "main"


@dataclass(frozen=True)
class LogKeys:
    name: str = DEFAULT_NAME

    @property
    def head(self) -> str:
        return self._key("head")

    @property
    def lease(self) -> str:
        return self._key("lease")

    @property
    def stream(self) -> str:
        return self._key("log")

    @property
    def gateways(self) -> str:
        """The ids of all gateways."""
        return self._key("gateways")

    def gateway(self, gateway: str) -> str:
        return self._key(f"gateway:{gateway}")

    def _key(self, part: str) -> str:
        return f"groupchat:{{{self.name}}}:{part}"
