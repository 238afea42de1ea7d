"""What the next message is for: it replies to a message, or goes out instead of one. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from controller.view.text.text_rows import clean_line_for_screen
from gateway.protocol.events import Message
from gateway.protocol.text.addressing import AddressedText, Named
from gateway.protocol.text.printable_text import readable_content
from gateway.protocol.types.core_types import Part

MAX_QUOTED_CHARS = 200


class TargetKind(Enum):
    REPLY = "reply"
    REPLACE = "replace"


@dataclass(frozen=True)
class DraftTarget:
    kind: TargetKind
    message: Message

    def words(self, me: str) -> str:
        """What the line above the composer says. It quotes a member, so it is made printable."""
        said = " ".join(readable_content(self.message)[:MAX_QUOTED_CHARS].split())
        if self.kind is TargetKind.REPLACE:
            begin = f"instead of #{self.message.seq}"
        else:
            private = f" (only {', '.join(reply_names(self.message, me))})" if self.message.recipients else ""
            begin = f"reply to #{self.message.seq} {self.message.from_}{private}"
        return clean_line_for_screen(f"{begin}: {said}")

    @property
    def reply_to(self) -> int | None:
        return self.message.seq if self.kind is TargetKind.REPLY else self.message.reply_to

    @property
    def replaces(self) -> int | None:
        return self.message.seq if self.kind is TargetKind.REPLACE else None

    @property
    def wakes(self) -> tuple[str, ...]:
        """Whom the replaced message woke, while the new one is for everyone, too."""
        return self.message.wakes if self.kind is TargetKind.REPLACE else ()

    @property
    def parts(self) -> tuple[Part, ...]:
        """The attachments of the replaced message go with the new one."""
        return self.message.parts if self.kind is TargetKind.REPLACE else ()


def reply_names(message: Message, me: str) -> tuple[str, ...]:
    """Who gets a reply to a direct message: its other readers."""
    names = dict.fromkeys((message.from_, *message.recipients))
    return tuple(name for name in names if name != me) or (me,)


def aimed(said: AddressedText, target: DraftTarget | None, me: str) -> AddressedText:
    """Without names of its own, a reply to a direct message stays between its readers; any other goes to everyone."""
    if target is None or said.to or target.kind is not TargetKind.REPLY or not target.message.recipients:
        return said
    return replace(said, to=tuple(Named(one) for one in reply_names(target.message, me)))
