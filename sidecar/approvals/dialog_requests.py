"""The requests that tell the room of a dialog. Pure: a question in, a request of the protocol out."""

from __future__ import annotations

from gateway.protocol.requests.approval_requests import CloseAsk, OpenAsk
from gateway.protocol.text.text_validation import flatten_lines
from gateway.protocol.types.core_types import MAX_DETAIL_BYTES, AskState, Option, PlainAnswer
from sidecar.approvals.questions.dialog_parser import MOST_OPTIONS, DialogOption, Question, cut_question
from sidecar.messages.envelope import clean_text

HOOK_KEY = "hook"
MAX_TOOL_CHARS = 200
MAX_REASON_CHARS = 1000
MAX_OLD_QUESTION_CHARS = 1000
MAX_OLD_DETAIL_CHARS = 4000
UNREAD_DIALOG_TEXT = "It shows a dialog that cannot be read here: look at its terminal."
OLD_GATEWAY_TEXT = "the gateway is older than this agent's sidecar: look at the terminal, here it may be cut"
BEGAN_ANEW_TEXT = "its terminal was restarted"


def open_request(question: Question, reason: str) -> OpenAsk:
    """`reason`: why the room is told again."""
    detail = clean_text(question.detail)
    return OpenAsk(
        digest=question.digest,
        question=cut_question(clean_text(question.question)) or UNREAD_DIALOG_TEXT,
        options=tuple(_option(question, one) for one in question.choices[:MOST_OPTIONS]),
        allow=HOOK_KEY if question.hook else question.allow,
        deny=HOOK_KEY if question.hook else question.deny,
        tool=flatten_lines(clean_text(question.tool))[:MAX_TOOL_CHARS],
        detail=detail[:MAX_DETAIL_BYTES],
        reason=flatten_lines(reason),
        about=question.about,
        left_out=max(0, len(detail) - MAX_DETAIL_BYTES),
        readable=question.readable,
        words=question.words,
    )


def _option(question: Question, choice: DialogOption) -> Option:
    plain = {question.allow: PlainAnswer.ALLOW, question.deny: PlainAnswer.DENY}
    return Option(choice.key, flatten_lines(choice.text), plain.get(choice.key))


def without_new_fields(ask: OpenAsk) -> OpenAsk:
    """The ask as every gateway accepts it. Its reason says that the terminal may show more."""
    return OpenAsk(
        digest=ask.digest,
        question=ask.question[:MAX_OLD_QUESTION_CHARS],
        options=tuple(Option(one.key, one.text) for one in ask.options),
        allow=ask.allow,
        deny=ask.deny,
        tool=ask.tool,
        detail=ask.detail[:MAX_OLD_DETAIL_CHARS],
        reason=OLD_GATEWAY_TEXT,
    )


def close_request(number: int, state: AskState, reason: str) -> CloseAsk:
    return CloseAsk(ask=number, state=state, reason=flatten_lines(reason)[:MAX_REASON_CHARS])


def close_forgotten_request(number: int) -> CloseAsk:
    """The room still shows a dialog of an earlier run."""
    return CloseAsk(ask=number, state=AskState.WITHDRAWN, reason=BEGAN_ANEW_TEXT)
