"""The table of connectors: who answers, where, with which key; and the connectors that other packages bring.

An SDK is imported only when its connector is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any
from urllib.parse import urlsplit

from sidecar.connectors.connector_interface import Connector, ConnectorSettings
from sidecar.errors import SidecarError

ENTRY_POINT_GROUP = "llm_groupchat.connectors"
INSTALL_TEXT = "pip install 'llm-groupchat[connectors]' (in a checkout: .venv/bin/pip install -r requirements-dev.lock)"


@dataclass(frozen=True)
class KnownConnector:
    """`company` reads what the connector sends to `base_url`. `url_variables` and `key_variables` are those that the
    vendor's own SDK knows. Without a `model`, the person names one. `extra` is the package that it needs."""

    company: str
    module: str
    class_name: str
    extra: str
    base_url: str = ""
    model: str = ""
    url_variables: Sequence[str] = ()
    key_variables: Sequence[str] = ()
    needs_key: bool = True


_FOLDER = "sidecar.connectors.vendors"
CONNECTORS: Mapping[str, KnownConnector] = {
    "anthropic": KnownConnector(
        "Anthropic",
        f"{_FOLDER}.anthropic_connector",
        "AnthropicConnector",
        "anthropic",
        "https://api.anthropic.com",
        "claude-sonnet-4-5",
        ("ANTHROPIC_BASE_URL",),
        ("ANTHROPIC_API_KEY",),
    ),
    "openai": KnownConnector(
        "OpenAI",
        f"{_FOLDER}.openai_connector",
        "OpenAIConnector",
        "openai",
        "https://api.openai.com/v1",
        "gpt-5",
        ("OPENAI_BASE_URL",),
        ("OPENAI_API_KEY",),
    ),
    "gemini": KnownConnector(
        "Google",
        f"{_FOLDER}.gemini_connector",
        "GeminiConnector",
        "google-genai",
        "https://generativelanguage.googleapis.com",
        "gemini-2.5-pro",
        ("GOOGLE_GEMINI_BASE_URL",),
        ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    ),
    "perplexity": KnownConnector(
        "Perplexity",
        f"{_FOLDER}.openai_connector",
        "PerplexityConnector",
        "openai",
        "https://api.perplexity.ai",
        "sonar",
        (),
        ("PERPLEXITY_API_KEY",),
    ),
    "openai-compatible": KnownConnector(
        "",
        f"{_FOLDER}.openai_connector",
        "ChatConnector",
        "openai",
        key_variables=("CONNECTOR_API_KEY",),
        needs_key=False,
    ),
}


def connector_names() -> list[str]:
    return [*CONNECTORS, *(one.name for one in _of_other_packages() if one.name not in CONNECTORS)]


def is_known_connector(name: str) -> bool:
    return name in connector_names()


def describe_connector(name: str) -> KnownConnector:
    """What is known of a connector. One of another package says nothing of itself, and needs no key from us."""
    if name in CONNECTORS:
        return CONNECTORS[name]
    if not is_known_connector(name):
        raise SidecarError(f"There is no connector {name[:40]!r}. Known: {', '.join(connector_names())}.")
    return KnownConnector("", "", "", "", key_variables=("CONNECTOR_API_KEY",), needs_key=False)


def make_connector(name: str, settings: ConnectorSettings) -> Connector:
    known = describe_connector(name)
    try:
        return _class_of(name, known)(settings)
    except ImportError as error:
        wanted = known.extra or error.name or name
        raise SidecarError(f"The connector {name} needs the package {wanted}: {INSTALL_TEXT}.") from error


def _class_of(name: str, known: KnownConnector) -> Callable[[ConnectorSettings], Connector]:
    if known.module:
        found: Any = getattr(import_module(known.module), known.class_name)
    else:
        found = next(one for one in _of_other_packages() if one.name == name).load()
    return found  # type: ignore[no-any-return]


def _of_other_packages() -> Sequence[EntryPoint]:
    return tuple(entry_points(group=ENTRY_POINT_GROUP))


def base_url_of(known: KnownConnector, given: str, env: Mapping[str, str]) -> str:
    """Where to ask: as the person says, else as the variable of the vendor's SDK, else at the vendor's own server."""
    found = given or next((env[name] for name in known.url_variables if env.get(name)), "") or known.base_url
    if "@" in found.partition("://")[2].partition("/")[0]:
        raise SidecarError("The address of the model holds a name or a password. Put the key into a file: --key-file.")
    if found and not _is_web_address(found):
        raise SidecarError(f"The address of the model begins with http:// or https://, unlike {found[:80]!r}.")
    return found.rstrip("/")


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def reader_text(name: str, known: KnownConnector, base_url: str) -> str:
    """Who reads the room, for its roster: `Anthropic`, or the host where it is another one than the company's own."""
    host = urlsplit(base_url).hostname or ""
    if known.company and host == urlsplit(known.base_url).hostname:
        return known.company
    return f"{host} ({name})" if host else name
