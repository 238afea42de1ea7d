"""Words the errors of the decoder so that a user can act on them: an unknown name comes with those that are allowed.
Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from gateway.dialects.skynet.name_mapping import AGENT_ID_TEXT

MAX_SHOWN_CHARS = 60
_WHERE = r"(?: - at `\$\.?(?P<path>[^`]*)`)?"
_UNKNOWN_FIELD = re.compile(r"Object contains unknown field `(?P<given>.*?)`" + _WHERE, re.DOTALL)
_UNKNOWN_VALUE = re.compile(r"Invalid (?:enum )?value '(?P<given>.*?)'" + _WHERE, re.DOTALL)
_BAD_AGENT_ID = re.compile(r"Expected `str` matching regex" + ".*?" + _WHERE, re.DOTALL)
NamesByPath = Mapping[str, tuple[str, ...]]


class AllowedNames(NamedTuple):
    """The fields of objects and the values of fields, by their path: `data.type`. The path of the whole is empty."""

    fields: NamesByPath
    values: NamesByPath


def explain_error(text: str, allowed: AllowedNames, where: str = "") -> str | None:
    """A sentence for an unknown field or value, None for any other error. `where` is the path of what was decoded."""
    if (found := _UNKNOWN_FIELD.match(text)) and (names := allowed.fields.get(found["path"] or "")):
        at = ".".join(one for one in (where, found["path"]) if one)
        return f"The field {_shown(found['given'])} is unknown{f' in `{at}`' if at else ''}. Use {_listed(names)}."
    if (found := _UNKNOWN_VALUE.match(text)) and (names := allowed.values.get(found["path"] or "")):
        at = ".".join(one for one in (where, found["path"]) if one)
        return f"`{at}` cannot be {_shown(found['given'])}. Use {_listed(names)}."
    if (found := _BAD_AGENT_ID.fullmatch(text.removesuffix("."))) and found["path"]:
        return f"`{found['path']}` is not a valid agent id. {AGENT_ID_TEXT}"
    return None


def _shown(text: str) -> str:
    return repr(text if len(text) <= MAX_SHOWN_CHARS else f"{text[:MAX_SHOWN_CHARS]}...")


def _listed(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
