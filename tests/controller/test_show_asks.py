"""What the shell tells of a question: all of it, and only ways to answer that would be taken."""

from __future__ import annotations

import pytest

from controller import show
from gateway.protocol.events import AskEvent
from gateway.protocol.nouns import Ask, AskAbout, AskState, Option
from tests.controller.streams import STAMP

COMMAND = "rm -rf ./build && make all && ./run --with-a-long-option=/home/root/some/where \\\n  && ./deploy --prod"


def question(**fields: object) -> Ask:
    shape: dict[str, object] = {
        "options": (Option("1", "Yes"), Option("2", "Yes, and don't ask again for make in ~/work"), Option("3", "No")),
        "tool": "Bash",
        "detail": COMMAND,
        "about": AskAbout.COMMAND,
        "allow": "hook",
        "deny": "hook",
        "approvers": ("alice", "root"),
        **fields,
    }
    return Ask("claude", 5, "0" * 16, "Do you want to proceed?", STAMP, **shape)  # type: ignore[arg-type]


def test_all_of_it_is_told() -> None:
    rows = [row.strip() for row in show.ask_rows(question(words=True))]
    assert rows[:4] == ["Bash", *(line.strip() for line in COMMAND.split("\n")), "Do you want to proceed?"]
    assert rows[4:7] == ["1. Yes", "2. Yes, and don't ask again for make in ~/work", "3. No"]
    assert (
        "groupchat approve claude, groupchat approve claude 1, groupchat deny claude, groupchat deny claude" in rows[7]
    )
    assert rows[7].endswith("[0000000000000000]; alice or root may answer")


@pytest.mark.parametrize(
    ("fields", "said", "unsaid"),
    [
        ({}, "groupchat deny claude", "because"),
        ({"words": True}, 'groupchat deny claude "because ..."', "terminal"),
        ({"allow": "", "deny": ""}, "groupchat approve claude 1", "deny"),
        ({"allow": "", "deny": "", "options": (), "readable": False}, "in the terminal of claude", "approve claude"),
        ({"approvers": ()}, "nobody in the chat has the right", "groupchat approve"),
        ({"left_out": 70_000}, "70 000 more characters are only in claude's terminal.", "because"),
    ],
)
def test_only_what_would_be_taken_is_advised(fields: dict[str, object], said: str, unsaid: str) -> None:
    told = "\n".join(show.ask_rows(question(**fields)))
    assert said in told
    assert unsaid not in told


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"state": AskState.ANSWERED, "by": "root", "answer": "1"}, "root answered: Yes"),
        ({"state": AskState.ANSWERED, "by": "root", "answer": "allow"}, "root answered: Yes"),
        ({"state": AskState.ANSWERED, "by": "root", "answer": "deny"}, "root answered: No"),
        (
            {"state": AskState.ANSWERED, "by": "root", "answer": "deny", "said": "not\ntoday"},
            "root answered: No, because not today",
        ),
        (
            {"state": AskState.CLOSED, "reason": "answered at the terminal"},
            "no longer asked (answered at the terminal)",
        ),
        ({"state": AskState.STALE, "reason": "another question came"}, "another question took its place"),
        ({"state": AskState.ANSWERING, "by": "root", "answer": "1"}, "an answer is on its way"),
    ],
)
def test_what_became_of_it_keeps_the_command(fields: dict[str, object], line: str) -> None:
    (told,) = show.ask_lines(AskEvent(9, question(**{"detail": "make all", **fields}), STAMP))
    assert told.endswith(f"   claude asked to run `make all` – {line}")
