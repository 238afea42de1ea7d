"""Detects names that a reader could confuse. Pure.

The *skeleton* of a text drops what an eye may miss: case, width, accents, blanks, punctuation, invisible characters,
and the alphabet of a letter. Two names with one skeleton look alike.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from gateway.protocol.errors import ReservedName
from gateway.protocol.types.core_types import RESERVED_NAMES

if TYPE_CHECKING:
    from gateway.model.state import GatewayState

# Letters of other alphabets, digits and bars that look like Latin letters, each above its look-alike. Capitals come
# first, because some of them look like a different letter than their lower case does.
_LATIN_CAPITALS = str.maketrans(
    "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧАВЕЅІЈКМНОРСТУХ",
    "ABEZHIKMNOPTYXABESIJKMHOPCTYX",
)
_LATIN_SMALL = str.maketrans(
    "αβεικνορτυχγωавсеһіјкӏмнорԛѕтѵԝхуԁьıɑɡɩʟɴʀʏ016|!",
    "abeikvoptuxywabcehijklmhopqstvwxydbiagilnryolbll",
)
_HANGUL_FILLERS = "\u115f\u1160"  # Unicode calls them letters; every screen shows a blank
_I_TO_L = str.maketrans("i", "l")


_ASCII_TABLE = {
    code: ("l" if one in "1|!" else {"0": "o", "6": "b", "i": "l"}.get(one, one))
    if one.isalnum() or one in "|!"
    else None
    for code, one in ((code, chr(code)) for code in range(128))
}


@lru_cache(maxsize=4096)
def lookalike_key(text: str) -> str:
    if text.isascii():  # as nearly all names: the same as below, many times as fast
        return text.lower().translate(_ASCII_TABLE)
    plain = unicodedata.normalize("NFKD", text).translate(_LATIN_CAPITALS).casefold()
    letters = "".join(one for one in plain if _has_visible_letter(one))
    return letters.translate(_LATIN_SMALL).translate(_I_TO_L)


def _has_visible_letter(one: str) -> bool:
    return (unicodedata.category(one)[0] in "LN" or one in "|!") and one not in _HANGUL_FILLERS


def check_display_name(state: GatewayState, name: str, display: str) -> None:
    """Refuse a display name that belongs to another member or looks like that member's name: it would mislead
    readers."""
    shown = lookalike_key(display)
    if shown == lookalike_key(name):
        return
    taken = next((one for one in _names_of_others(state, name) if lookalike_key(one) == shown), None)
    if not shown or taken is not None:
        why = f"looks like {taken!r}" if taken else "has no visible letter"
        raise ReservedName(f"The display name {display[:80]!r} {why}. Choose another one.")


def _names_of_others(state: GatewayState, name: str) -> Iterator[str]:
    yield from RESERVED_NAMES
    for other, record in state.members.items():
        if other != name:
            yield other
            if record.member.display:
                yield record.member.display
