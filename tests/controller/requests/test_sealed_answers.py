"""An answer from the shell to a sealed question names it: what is signed is an answer to this one alone."""

from __future__ import annotations

import pytest

from controller.requests.command_requests import AnswerOptions, require_named_question
from gateway.protocol.errors import BadRequest
from gateway.protocol.types.core_types import Ask, SealedContent

PLAIN = Ask("demo", 4, "d" * 16, "May I run ls?", "")
SEALED = Ask("claude", 5, "e" * 16, "May I run\nrm -rf build?", "", sealed=SealedContent(1, "YQ==", "vault"))


@pytest.mark.parametrize("name", ["claude", "@claude"])
def test_a_sealed_question_is_shown_before_it_is_answered(name: str) -> None:
    with pytest.raises(BadRequest, match=f"rm -rf build.*--digest {SEALED.digest}"):
        require_named_question((PLAIN, SEALED), AnswerOptions(name, "allow"))


@pytest.mark.parametrize(
    "given", [AnswerOptions("claude", "allow", SEALED.digest), AnswerOptions("demo", "allow"), AnswerOptions("x", "y")]
)
def test_other_answers_go_to_the_gateway(given: AnswerOptions) -> None:
    require_named_question((PLAIN, SEALED), given)
