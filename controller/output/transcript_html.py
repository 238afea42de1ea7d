"""A transcript as one HTML file that loads nothing. Pure.

Every text is escaped and stands inside an element of ours. The page has no script, and its policy forbids any, so that
even a mistake here could not run what a member wrote. The only links lead to messages of the same page.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape

from controller.output.transcript_parts import Heading, Items, MessageHead, TextBlock, TranscriptPart, readable_time
from gateway.protocol.text.printable_text import printable_line, printable_lines

STYLE = """
:root { color-scheme: light dark; }
:root { --text: #1c1e21; --page: #ffffff; --soft: #5c6470; --block: #f3f5f7; --line: #d5dae0; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e4e7eb; --page: #15181c; --soft: #9aa4b1; --block: #1e2329; --line: #363d46; }
}
body { margin: 0; background: var(--page); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 50rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; }
h2 { margin-top: 2rem; font-size: 1.2rem; border-bottom: 1px solid var(--line); }
h3 { margin: 1.2rem 0 0.3rem; font-size: 1rem; }
h3 time, h3 a, h3 .proof, .label { color: var(--soft); font-weight: normal; font-size: 0.875rem; }
.label { margin: 0.5rem 0 0.2rem; }
pre { margin: 0; padding: 0.6rem 0.8rem; background: var(--block); border-radius: 0.4rem; font: inherit;
  white-space: pre-wrap; overflow-wrap: anywhere; }
pre.aligned, pre.attached, pre.json { font: 0.875rem/1.4 ui-monospace, monospace; }
h3:target { background: var(--block); outline: 2px solid var(--line); }
"""


_ALIGNED = re.compile(r"^ {0,3}(?:```|~~~|\|.*\|\s*$)", re.MULTILINE)


def html_document(parts: Sequence[TranscriptPart]) -> str:
    numbers = {one.number for one in parts if isinstance(one, MessageHead)}
    title = next((one.text for one in parts if isinstance(one, Heading)), "Transcript")
    body = "\n".join(line for part in parts for line in _part_lines(part, numbers))
    return f"{_head(title)}<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"


def _head(title: str) -> str:
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{_line(title)}</title>\n<style>{STYLE}</style>\n</head>\n"
    )


def _part_lines(part: TranscriptPart, numbers: set[int]) -> Iterator[str]:
    match part:
        case Heading(level, text):
            yield f'<h{level} dir="auto">{_line(text)}</h{level}>'
        case Items(lines):
            yield from ("<ul>", *(f'<li dir="auto">{_line(one)}</li>' for one in lines), "</ul>")
        case TextBlock(text, label, kind):
            if label:
                yield f'<p class="label" dir="auto">{_line(label)}</p>'
            style = "json" if kind == "json" else "attached" if label else "aligned" if _is_aligned(text) else "said"
            # A parser drops the first line end of a `pre`, so one more stands before the text.
            yield f'<pre class="{style}" dir="auto">\n{_lines(text)}</pre>'
        case MessageHead():
            yield _message_head(part, numbers)


def _is_aligned(text: str) -> bool:
    """Whether columns matter in a text: it has a block of code or a table."""
    return _ALIGNED.search(text) is not None


def _message_head(one: MessageHead, numbers: set[int]) -> str:
    to = f" to {_names(one.recipients)}" if one.recipients else ""
    time = f'<time datetime="{_line(one.timestamp)}">{_line(readable_time(one.timestamp))}</time>'
    why = ""
    if one.answers is not None:
        number = f"#{one.answers}"
        why = f' <a href="#m{one.answers}">answers {number}</a>' if one.answers in numbers else f" answers {number}"
    proof = f' <span class="proof">({_line(one.proof)})</span>' if one.proof else ""
    return f'<h3 id="m{one.number}">#{one.number} <bdi>{_line(one.sender)}</bdi>{to} {time}{why}{proof}</h3>'


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"<bdi>{_line(one)}</bdi>" for one in names)


def _line(text: str) -> str:
    return escape(" ".join(printable_line(text).split()))


def _lines(text: str) -> str:
    return escape("\n".join(printable_lines(text)))
