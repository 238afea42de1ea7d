"""Shows `@name` in a message in the colour of that member, and the reader's own name apart. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from controller.view.styles.name_styles import NameStyles
from controller.view.text.row_types import Fragment, Row

OWN_NAME_STYLE = "class:me"
_MENTION = re.compile(r"(?<![\w@])@([A-Za-z0-9_][A-Za-z0-9_.-]*)")


def mark_mentions(row: Row, me: str, members: Collection[str], names: NameStyles) -> Row:
    """Only names of members count, so that an address of mail stays as it is."""
    return tuple(part for fragment in row for part in _marked(fragment, me, members, names))


def _marked(fragment: Fragment, me: str, members: Collection[str], names: NameStyles) -> Iterator[Fragment]:
    style, text = fragment
    end = 0
    for match in _MENTION.finditer(text) if "@" in text else ():
        name = match[1].rstrip(".-").lower()
        if name != me and name not in members:
            continue
        if text[end : match.start()]:
            yield style, text[end : match.start()]
        end = match.start() + 1 + len(name)
        yield OWN_NAME_STYLE if name == me else names.style_of(name), text[match.start() : end]
    if text[end:]:
        yield style, text[end:]
