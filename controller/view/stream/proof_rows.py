"""Shows what this machine has found about a message: marks behind its number, and below it what people must be told.
Pure."""

from __future__ import annotations

from controller.view.text.row_types import Fragment, Row
from controller.view.text.text_rows import clean_for_screen, wrap_text
from controller.wording.proof_text import SEALED_SIGN, finding_of, note_lines, proof_signs
from gateway.encryption.member_client.checked_messages import MessageProof
from gateway.protocol.events import Message

_STYLES = {
    MessageProof.UNSIGNED: "class:dim",
    MessageProof.SIGNED: "class:dim",
    MessageProof.VERIFIED: "class:good",
    MessageProof.WRONG: "class:bad",
    MessageProof.UNREADABLE: "class:dim",
}
_BODY_STYLES = {MessageProof.WRONG: "class:bad", MessageProof.UNREADABLE: "class:dim"}


def proof_fragments(message: Message) -> list[Fragment]:
    """` ▣✓`; nothing for an ordinary message."""
    check = finding_of(message)
    signs = proof_signs(check)
    if not signs:
        return []
    sealed, rest = (SEALED_SIGN, signs.removeprefix(SEALED_SIGN)) if check.was_sealed else ("", signs)
    return [("class:dim", f" {sealed}"), (_STYLES[check.proof], rest)]


def with_refusal_style(message: Message, body: list[Row]) -> list[Row]:
    """A sentence that stands in the place of the text must not look like it."""
    style = _BODY_STYLES.get(finding_of(message).proof)
    return body if style is None else [((style, "".join(text for _, text in row)),) for row in body]


def note_rows(message: Message, indent: int, width: int) -> list[Row]:
    """Lines of their own, which are not the writer's."""
    lines = [row for note in note_lines(message) for row in wrap_text(clean_for_screen(f"! {note}"), width - indent)]
    return [(("", " " * indent), ("class:warning", line)) for line in lines]
