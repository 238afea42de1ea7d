"""Reads `config.yaml` as Skynet Linker describes it: `serve --listen skynet=... --skynet-config FILE`.

Unknown keys are refused, and so are those that this gateway cannot honour: nothing is silently ignored.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import yaml
from msgspec import UNSET, Meta, UnsetType

from gateway.access.rate_limit import Rate
from gateway.dialects.skynet.settings import SkynetSettings
from gateway.protocol.errors import BadRequest
from gateway.protocol.types.core_types import MAX_CONTENT_BYTES

T = TypeVar("T")
Sections = dict[str, Any]

_UNKNOWN_KEY = re.compile(r"Object contains unknown field `.*?`(?: - at `\$\.(?P<path>[^`]*)`)?", re.DOTALL)
MAX_FILE_BYTES = 64 * 1024
SEALED_ROOMS = (
    "`encryption` cannot be enabled: this gateway has no key, and the people in a room read what it carries. Sealed "
    "rooms and signatures come with a later version. Set `encryption: {enabled: false}`, or leave it out."
)
NO_PLACE: Mapping[str, str] = {
    "redis": "The gateway keeps its log in a store of its own (`--store`). Leave `redis` out.",
    "connectors": "Members without a terminal come with a later version; agents with one are started by "
    "`groupchat add`. Leave `connectors` out.",
    "logging": "Logs are set by `--log-level` and `--log-file`. Leave `logging` out.",
}


class ServerSection(msgspec.Struct, forbid_unknown_fields=True):
    host: Annotated[str, Meta(min_length=1, max_length=255)] | UnsetType = UNSET
    port: Annotated[int, Meta(ge=0, le=65535)] | UnsetType = UNSET


class EncryptionSection(msgspec.Struct, forbid_unknown_fields=True):
    enabled: bool = False
    mode: str | UnsetType = UNSET
    secret_key_path: str | UnsetType = UNSET
    key_file: str | UnsetType = UNSET


class SecuritySection(msgspec.Struct, forbid_unknown_fields=True):
    auth_enabled: bool = False


class AuthSection(msgspec.Struct, forbid_unknown_fields=True):
    enabled: bool = False


class HeartbeatSection(msgspec.Struct, forbid_unknown_fields=True):
    interval: Annotated[float, Meta(ge=1, le=3600)] | UnsetType = UNSET


class LimitsSection(msgspec.Struct, forbid_unknown_fields=True):
    max_message_bytes: Annotated[int, Meta(ge=1, le=MAX_CONTENT_BYTES)] | UnsetType = UNSET
    messages_per_second: Annotated[float, Meta(ge=0, le=100_000)] | UnsetType = UNSET
    burst: Annotated[float, Meta(ge=1, le=100_000)] | UnsetType = UNSET


class ConfigFile(msgspec.Struct, forbid_unknown_fields=True):
    server: ServerSection = msgspec.field(default_factory=ServerSection)
    encryption: EncryptionSection = msgspec.field(default_factory=EncryptionSection)
    security: SecuritySection = msgspec.field(default_factory=SecuritySection)
    auth: AuthSection = msgspec.field(default_factory=AuthSection)
    heartbeat: HeartbeatSection = msgspec.field(default_factory=HeartbeatSection)
    limits: LimitsSection = msgspec.field(default_factory=LimitsSection)


def read_config_file(path: Path | None) -> SkynetSettings:
    """The settings that the file gives; without a file, the defaults."""
    return SkynetSettings() if path is None else read_file_as(settings_from_sections, path)


def read_file_as(parse: Callable[[Sections], T], path: Path) -> T:
    """Read a configuration file. Only this function does; an error names the file."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise BadRequest(f"{path} cannot be read: {error.strerror or error}.") from None
    try:
        return parse(parse_sections(text))
    except BadRequest as error:
        raise BadRequest(f"{path}: {error.message}") from None


def settings_from_sections(found: Sections) -> SkynetSettings:
    """What the configuration of a server sets."""
    for key, sentence in NO_PLACE.items():
        if key in found:
            raise BadRequest(sentence)
    file = convert_sections(found, ConfigFile)
    if file.encryption.enabled:
        raise BadRequest(SEALED_ROOMS)
    return _settings_of(file)


def parse_sections(text: bytes) -> Sections:
    if len(text) > MAX_FILE_BYTES:
        raise BadRequest(f"The file is larger than {MAX_FILE_BYTES} bytes.")
    try:
        found = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise BadRequest(f"This is not valid YAML: {line}{error.problem}.") from None
    except (yaml.YAMLError, UnicodeError, ValueError, RecursionError):
        raise BadRequest("This is not valid YAML.") from None
    if found is None:
        return {}
    if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
        raise BadRequest("The file must hold sections such as `server:`.")
    return {key: {} if section is None else section for key, section in found.items()}


def convert_sections(found: Sections, kind: type[T]) -> T:
    try:
        return msgspec.convert(found, kind)
    except msgspec.ValidationError as error:
        raise BadRequest(f"{_plain(error)}.{_allowed_keys(str(error), kind)}") from None


def _allowed_keys(error: str, kind: Any) -> str:
    """What may stand where an unknown key was found."""
    found = _UNKNOWN_KEY.match(error)
    if found is None:
        return ""
    for part in filter(None, (found["path"] or "").split(".")):
        kind = next(one.type for one in msgspec.structs.fields(kind) if one.name == part)
    return f" Known are {', '.join(one.name for one in msgspec.structs.fields(kind))}."


def _plain(error: msgspec.ValidationError) -> str:
    """`unknown field` said in the words of the file: its sections and keys."""
    return (
        str(error).replace("Object contains unknown field", "Unknown key").replace("`$.", "`").replace(" - at `$`", "")
    )


def _settings_of(file: ConfigFile) -> SkynetSettings:
    defaults, limits = SkynetSettings(), file.limits
    per_second = _given(limits.messages_per_second, 0.0)
    return SkynetSettings(
        host=_given(file.server.host, defaults.host),
        port=_given(file.server.port, defaults.port),
        token_required=file.security.auth_enabled or file.auth.enabled,
        heartbeat_s=_given(file.heartbeat.interval, defaults.heartbeat_s),
        max_message_bytes=_given(limits.max_message_bytes, defaults.max_message_bytes),
        rate=Rate(_given(limits.burst, max(1.0, per_second)), per_second),
    )


def _given(value: Any, default: Any) -> Any:
    return default if value is UNSET else value
