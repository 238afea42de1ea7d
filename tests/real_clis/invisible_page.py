"""Writes docs/invisible-characters.md from the measured data: `python -m tests.real_clis.invisible_page` writes it.

Each CLI that has a file in `invisible_characters/` gets a column."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.protocol.text.invisible_characters import UNICODE_VERSION
from sidecar.messages.envelope import clean_text

DATA = Path(__file__).with_name("invisible_characters")
PAGE = Path(__file__).parents[2] / "docs" / "invisible-characters.md"
ASKS = ", asks twice"

# The class, the characters that were tested alone, and where they are kept.
CLASSES: tuple[tuple[str, str, str], ...] = (
    ("soft hyphen", "00AD", ""),
    ("grapheme joiner", "034F", ""),
    ("Hangul fillers", "115F..1160 3164 FFA0", ""),
    ("Khmer inherent vowels", "17B4..17B5", ""),
    ("Mongolian selectors, vowel separator", "180B..180F", "after a Mongolian letter"),
    ("zero width space, word joiner, byte order mark", "200B 2060 FEFF", ""),
    ("joiners", "200C..200D", "between letters of a script that joins; ZWJ between emoji"),
    ("marks of direction", "061C 200E..200F", "where text from right to left meets other text"),
    ("embeddings and overrides of direction", "202A..202E", ""),
    ("isolates", "2066..2069", ""),
    ("invisible operators", "2061..2064", ""),
    ("deprecated controls", "206A..206F", ""),
    ("variation selectors", "FE00..FE0D", "FE00 to FE02, after an ideograph"),
    ("text and emoji selectors", "FE0E..FE0F", "after an emoji, a sign like one, a digit with a keycap"),
    ("more variation selectors", "E0100 E01EF", "after an ideograph"),
    ("tags", "E0001 E0020 E0041 E007E..E007F", "in the flag of a region"),
    ("controls of shorthand and music", "1BCA0..1BCA3 1D173..1D17A", ""),
    ("unassigned, ignorable", "2065 FFF0..FFF8 E0000 E0002 E0080 E01F0 E0FFF", ""),
    ("annotations", "FFF9..FFFB", ""),
    ("other format characters", "0600 06DD 070F 08E2 110BD 13430 1343F", "everywhere"),
    ("blanks", "2800 13441..13442 16FE4 1D159", "everywhere"),
    ("spaces", "00A0 1680 2000..200A 202F 205F 3000", "everywhere"),
    ("ends of lines", "0085 2028..2029", ""),
    ("marks", "0300..0301 0903 0BBE 20DD 20E3 302E 3099 1D165 1E000", "everywhere"),
    ("noncharacters", "FDD0 FFFE..FFFF 1FFFE 10FFFF", "everywhere"),
    ("private use", "E000 E0B0 F8FF F0000 10FFFD", "everywhere"),
    ("unassigned", "0378 2FE0 1FAFF 3FFFD E1000", "everywhere"),
    ("seen, to compare", "005C 2045 27E6 301A FF3B FFFC 1F1E6 1F3F4 1F3FB", "everywhere"),
)

HEAD = f"""\
# Invisible characters

What each CLI does with them, measured with the real programs, and what groupchat does. The data is in
`tests/real_clis/invisible_characters`; `python -m tests.real_clis.invisible NAME` measures one CLI again (5 to 15
minutes), `python -m tests.real_clis.invisible_page` writes this page. The property Default_Ignorable_Code_Point is
that of Unicode {UNICODE_VERSION} (`gateway/protocol/text/invisible_characters.py`).

"""
CLIS_HEAD = """\
## What each CLI does

Each character was pasted at the start of the second line of a prompt, and the prompt was submitted. The model server
shows what arrived:

- *shown*: the composer shows it, and the model gets it.
- *unseen*: the composer does not show it, and the model gets it.
- *drawn wrong*: the composer shows something else, and the model gets it.
- *taken out*: the model does not get it.
- *asks twice*: the first Enter submits nothing; Claude says "Removed 1 invisible character · review and press Enter
  to send".

"""
OURS_HEAD = """\
## What groupchat does

Before it types, groupchat takes such characters out itself, so that all agents get the same text. *At the start of a
line* says what becomes of one there; *stays* says where it is kept, because a script or an emoji needs it. If the
first visible character of a line is a bracket, or looks like one, groupchat puts a backslash before it
(`sidecar/messages/envelope_escaping.py`), so content is never read as an envelope, whatever the CLI drops. Removed
characters leave no trace: send text in which they matter as a file.

| what | characters | at the start of a line | stays |
| --- | --- | --- | --- |
"""
IN_USE_HEAD = """
## Where they are kept

Characters that groupchat keeps in a text, and how they arrive. *Drawn otherwise*: the composer does not show the text
as it was sent, so groupchat cannot see in it that it was typed right. To OpenCode and Cline it sends such texts, and
all whose width is disputed (Hindi, Thai, joined emoji, ...), with empty lines beneath the envelope: the composer then
shows its placeholder for a long paste, which can be read. Cline's quotes the first
ten words; in tmux these are drawn right.

"""


def codes_of(spans: str) -> list[str]:
    found: list[str] = []
    for span in spans.split():
        first, _, last = span.partition("..")
        found += [f"{code:04X}" for code in range(int(first, 16), int(last or first, 16) + 1)]
    return found


def data() -> dict[str, dict[str, Any]]:
    return {path.stem: json.loads(path.read_text()) for path in sorted(DATA.glob("*.json"))}


def _outcome(trial: Mapping[str, Any]) -> str:
    words = {"kept": "shown", "dropped": "unseen"}.get(trial["composer"], "drawn wrong")
    if trial["model"] == "dropped":
        words = "taken out"
    elif trial["model"] != "kept":
        words = f"becomes {trial['model'].replace(chr(92) + 'u', 'U+')}"
    return words + ("" if trial["enters"] == 1 else ASKS)


def _cell(trials: Mapping[str, Mapping[str, Any]], codes: list[str]) -> str:
    """The most frequent outcome, and the characters that differ."""
    outcomes = {code: _outcome(trials[code]) for code in codes}
    counts = Counter(outcomes.values()).most_common()
    others = [f"{' '.join(code for code in codes if outcomes[code] == one)}: {one}" for one, _ in counts[1:]]
    return "; ".join([counts[0][0], *others])


def ours(code: str) -> str:
    one = chr(int(code, 16))
    left = clean_text(f"x\n{one}[a -> b #9]").removeprefix("x\n").removesuffix("[a -> b #9]")
    return {"": "taken out", "\n": "ends the line", one: "kept"}[left]


def page(found: Mapping[str, Mapping[str, Any]]) -> str:
    return HEAD + _by_cli(found) + _ours() + _long(found) + _in_use(found)


def _by_cli(found: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [["what", *(f"{name} {one['version']}" for name, one in found.items())], ["---"] * (len(found) + 1)]
    for what, spans, _ in CLASSES:
        codes = codes_of(spans)
        rows.append([what, *(_cell(one["alone"], codes) for one in found.values())])
    return CLIS_HEAD + _table(rows)


def _ours() -> str:
    rows = []
    for what, spans, stays in CLASSES:
        rows.append([what, spans, "; ".join(sorted({ours(code) for code in codes_of(spans)})), stays or "-"])
    return f"\n{OURS_HEAD}{_table(rows)}"


def _table(rows: list[list[str]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _long(found: Mapping[str, Mapping[str, Any]]) -> str:
    """The characters that arrived changed in long pastes."""
    lines = ["\n## In a long paste\n"]
    lines += ["A paste that the composer shows as a placeholder. These arrived changed, at the start of a line:\n"]
    for name, one in found.items():
        long = one["in a long paste"]
        changed = "; ".join(f"{kind}: {spans}" for kind, spans in long["changed"].items()) or "nothing"
        lines.append(f"- {name}, of {long['tried']} characters: {changed}")
    return "\n".join(lines) + "\n"


def _in_use(found: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [["text", *found], ["---"] * (len(found) + 1)]
    for text in next(iter(found.values()))["in use"]:
        rows.append([text, *(_arrived(one["in use"][text]) for one in found.values())])
    return IN_USE_HEAD + _table(rows)


def _arrived(trial: Mapping[str, Any]) -> str:
    words = "as sent" if trial["model"] == "kept" else "without it"
    return words if trial["verified"] else f"{words}, drawn otherwise"


if __name__ == "__main__":
    PAGE.write_text(page(data()), encoding="utf-8")
