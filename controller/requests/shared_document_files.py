"""Reads a shared document from a file, standard input or a template, and writes it to a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TextIO

import msgspec

from gateway.console.standard_streams import read_input
from gateway.protocol.errors import BadRequest
from gateway.protocol.types.core_types import DEFAULT_ROOM, GLOBAL_SCOPE

TEMPLATES_FOLDER = Path(__file__).with_name("templates")
STDIN_NAME = "-"

Json = dict[str, Any]


def template_names() -> list[str]:
    return sorted(path.stem for path in TEMPLATES_FOLDER.glob("*.json"))


def scope_from_options(room: str | None, member: str | None, everywhere: bool) -> str:
    """The scope of a document by the options; by default it is the default room."""
    given = [f"#{room.lstrip('#')}"] if room is not None else []
    given += [f"@{member.lstrip('@')}"] if member is not None else []
    given += [GLOBAL_SCOPE] if everywhere else []
    if len(given) > 1:
        raise BadRequest("--room, --member and --global exclude each other: a document belongs to one of them.")
    return given[0] if given else f"#{DEFAULT_ROOM}"


def read_document(file: str | None, template: str | None = None, stdin: TextIO | None = None) -> Json:
    """The given document: exactly one of file, standard input and template."""
    if file is not None and template is not None:
        raise BadRequest("Name a file or a --template, not both. `groupchat context merge` adds one to the other.")
    if template is not None:
        return _read_template(template)
    if file is None:
        raise BadRequest(f"Which document? Name a JSON file, {STDIN_NAME} for standard input, or --template NAME.")
    text = _read_stdin(stdin) if file == STDIN_NAME else _read_file(Path(file))
    return _parse_json(text, "Standard input" if file == STDIN_NAME else file)


def _read_stdin(stdin: TextIO | None) -> str:
    return read_input() if stdin is None else stdin.read()


def _read_template(name: str) -> Json:
    if name not in template_names():
        raise BadRequest(f"There is no template {name!r}. There are: {', '.join(template_names())}.")
    path = TEMPLATES_FOLDER / f"{name}.json"
    return _parse_json(_read_file(path), str(path))


def _read_file(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequest(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from None


def _parse_json(text: str, where: str) -> Json:
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadRequest(f"{where} is not JSON: {error}.") from None
    if not isinstance(value, dict):
        raise BadRequest(f'{where} holds no JSON object. A context is an object, such as {{"goal": "ship it"}}.')
    return value


def format_json(document: Json) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2)


def write_document(document: Json, path: Path) -> None:
    try:
        path.write_text(f"{format_json(document)}\n", encoding="utf-8")
    except OSError as error:
        raise BadRequest(f"{path} cannot be written: {error.strerror or error}.") from None
