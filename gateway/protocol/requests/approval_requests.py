"""Requests about asks: dialogs that an agent shows in its terminal and that people answer."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from gateway.protocol.requests.request import (
    AskKey,
    Digest,
    Limit,
    Request,
    Seq,
    ShortText,
)
from gateway.protocol.types.core_types import (
    MAX_DETAIL_BYTES,
    AskAbout,
    AskState,
    Option,
    Prose,
    SealedContent,
    Signed,
)


class OpenAsk(Request, frozen=True, tag="ask.open"):
    """Report that your terminal shows a dialog that waits for an answer. An earlier dialog becomes stale. A repeated
    report with the same digest is the same ask; `reason` says why it waits again. `readable`: the whole dialog could
    be read. `words`: a refusal may include text for the model. Of what is `sealed`, the other fields tell nothing:
    question, tool, detail and the texts of the options are empty."""

    digest: Digest
    question: Annotated[Prose, Meta(max_length=8000)]
    options: Annotated[tuple[Option, ...], Meta(max_length=20)] = ()
    allow: AskKey = ""
    deny: AskKey = ""
    tool: Annotated[str, Meta(max_length=200)] = ""
    detail: Annotated[Prose, Meta(max_length=MAX_DETAIL_BYTES)] = ""
    reason: ShortText = ""
    about: AskAbout = AskAbout.TEXT
    left_out: Seq = 0
    readable: bool = True
    words: bool = False
    sealed: SealedContent | None = None


class CloseAsk(Request, frozen=True, tag="ask.close"):
    """Report that a dialog of yours has ended: answered, closed, stale or withdrawn."""

    ask: Seq
    state: AskState = AskState.CLOSED
    reason: ShortText = ""


class AnswerAsk(Request, frozen=True, tag="ask.answer"):
    """Answer the dialog that a member shows, with the key of an option, or with `allow` or `deny`. With `digest` the
    answer is refused if the dialog has changed. `words` are sent to the model with a `deny`, if the ask accepts
    them. The answer may be `signed`: the sidecar gets that as it is."""

    member: str
    answer: Annotated[str, Meta(min_length=1, max_length=16)]
    digest: Digest | None = None
    words: Annotated[Prose, Meta(max_length=4000)] = ""
    signed: Signed | None = None


class Asks(Request, frozen=True, tag="asks"):
    """List the dialogs that wait for an answer and that you can see, by member."""

    after: Annotated[str, Meta(max_length=64)] = ""
    limit: Limit = 1000


class EndedAsks(Request, frozen=True, tag="asks.ended"):
    """List the agents' dialogs that have ended, with who answered and how, newest first. `after` and `before` are the
    seqs between which they ended. Only dialogs that you could see at that time are listed."""

    after: Seq = 0
    before: Seq | None = None
    limit: Limit = 100
