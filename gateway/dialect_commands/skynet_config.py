"""Shows and checks a `config.yaml` of Skynet Linker: one for its server, or one for its command line.

Both have an unknown key refused, because such a key would otherwise be a setting that nothing follows.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import UNSET, UnsetType

from gateway.console.console_output import print_json, print_lines
from gateway.dialect_commands.skynet_frames import Json
from gateway.dialects.skynet.config_file import convert_sections, read_file_as, settings_from_sections
from gateway.protocol.errors import BadRequest

USUAL_FILES = (Path("config.yaml"), Path("cli/config.yaml"))
CLIENT_SECTIONS = frozenset({"agent", "default_channel", "display"})
CLIENT_SERVER_KEYS = frozenset({"ws_url", "http_url", "url"})


class ClientServerSection(msgspec.Struct, forbid_unknown_fields=True):
    ws_url: str | UnsetType = UNSET
    http_url: str | UnsetType = UNSET
    url: str | UnsetType = UNSET


class AgentSection(msgspec.Struct, forbid_unknown_fields=True):
    default_type: str = "generic"
    default_priority: int = 5
    default_channels: list[str] = msgspec.field(default_factory=lambda: ["default"])


class ClientKeySection(msgspec.Struct, forbid_unknown_fields=True):
    """Encryption, or tokens: whether it is on, and the file."""

    enabled: bool = False
    mode: str | UnsetType = UNSET
    key_file: str | UnsetType = UNSET
    secret_key_path: str | UnsetType = UNSET
    token_file: str | UnsetType = UNSET


class DisplaySection(msgspec.Struct, forbid_unknown_fields=True):
    rich_output: bool = True
    show_timestamps: bool = True
    truncate_content: int = 100


class ClientLoggingSection(msgspec.Struct, forbid_unknown_fields=True):
    level: str = "INFO"
    file: str | UnsetType = UNSET
    console: bool = True


class ClientConfigFile(msgspec.Struct, forbid_unknown_fields=True):
    """The configuration of the command line, as Skynet's example has it."""

    server: ClientServerSection = msgspec.field(default_factory=ClientServerSection)
    agent: AgentSection = msgspec.field(default_factory=AgentSection)
    default_channel: str = "default"
    encryption: ClientKeySection = msgspec.field(default_factory=ClientKeySection)
    auth: ClientKeySection = msgspec.field(default_factory=ClientKeySection)
    display: DisplaySection = msgspec.field(default_factory=DisplaySection)
    logging: ClientLoggingSection = msgspec.field(default_factory=ClientLoggingSection)


class ConfigLine(msgspec.Struct, frozen=True):
    name: str
    label: str
    value: object


def show_config(path: Path, as_json: bool) -> None:
    """Print what a file sets; an error says what is wrong in it."""
    kind, lines = read_file_as(describe_config, path)
    if as_json:
        print_json({"file": str(path), "kind": kind, **{one.name: one.value for one in lines}})
        return
    print_lines(
        f"{path} is a valid configuration of a {kind}.", *(f"{one.label}: {_shown(one.value)}" for one in lines)
    )


def describe_config(sections: Json) -> tuple[str, list[ConfigLine]]:
    if is_client_config(sections):
        return "client", client_lines(sections)
    return "server", server_lines(sections)


def usual_file() -> Path:
    """The file in this folder, where Skynet Linker has it."""
    found = next((one for one in USUAL_FILES if one.exists()), None)
    if found is None:
        raise BadRequest(f"There is no {USUAL_FILES[0]} here. Name the file with --file.")
    return found


def is_client_config(sections: Json) -> bool:
    server = sections.get("server")
    keys = server.keys() if isinstance(server, dict) else set()
    return bool(CLIENT_SECTIONS & sections.keys() or CLIENT_SERVER_KEYS & keys)


def client_lines(sections: Json) -> list[ConfigLine]:
    found = convert_sections(sections, ClientConfigFile)
    named = (found.server.http_url, found.server.url, found.server.ws_url)
    return [
        ConfigLine("server", "Server", next((one for one in named if one is not UNSET), None)),
        ConfigLine("default_channel", "Default channel", found.default_channel),
        ConfigLine("agent_type", "Agent type", found.agent.default_type),
        ConfigLine("priority", "Priority", found.agent.default_priority),
        ConfigLine("channels", "Channels", found.agent.default_channels),
        ConfigLine("encryption", "Encryption", found.encryption.enabled),
        ConfigLine("tokens", "Tokens", found.auth.enabled),
    ]


def server_lines(sections: Json) -> list[ConfigLine]:
    found = settings_from_sections(sections)
    return [
        ConfigLine("host", "Address", found.host),
        ConfigLine("port", "Port", found.port),
        ConfigLine("token_required", "Clients need a token", found.token_required),
        ConfigLine("heartbeat", "Heartbeat in seconds", found.heartbeat_s),
        ConfigLine("max_message_bytes", "Largest message in bytes", found.max_message_bytes),
        ConfigLine("messages_per_second", "Messages per second and agent (0: no limit)", found.rate.per_second),
    ]


def _shown(value: object) -> str:
    match value:
        case None:
            return "not set"
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(str, value))
        case float():
            return f"{value:g}"
    return str(value)
