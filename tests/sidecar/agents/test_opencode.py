"""What the adapter of OpenCode returns: its launch with our plugin beside the user's own settings, and what the events
of the plugin mean."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.protocol.types.core_types import AskAbout
from sidecar.agents import REGISTRY
from sidecar.agents.adapter.adapter import LaunchContext, LaunchPlan
from sidecar.agents.opencode import CONFIG_VARIABLE
from sidecar.evidence.turn_evidence import EvidenceSource, TokenCost, TurnFact, TurnFactKind
from sidecar.screen.rules import conditions_of_failure
from tests.sidecar.capabilities import approvals_of, hooks_of, transcript_of

OPENCODE = REGISTRY["opencode"]
SECRET, KEY = "http://127.0.0.1:9/a-secret", "a-key-for-this-run"


def place(**env: str) -> LaunchContext:
    return LaunchContext(Path("/home/a/shop"), Path("/private"), SECRET, "s", {"HOME": "/home/a", **env})


def launched(command: str, where: LaunchContext | None = None) -> LaunchPlan:
    return OPENCODE.launching.launch(command.split(), where or place())


def config_of(launch: LaunchPlan) -> dict[str, object]:
    found: dict[str, object] = json.loads(launch.env[CONFIG_VARIABLE])
    return found


def test_the_plugin_is_beside_the_users_own_settings_and_no_file_of_the_user_is_written() -> None:
    own = json.dumps({"plugin": ["mine"], "model": "a/b", "mcp": {"own": {"type": "local"}}})
    launch = launched("opencode -m a/b", replace(place(**{CONFIG_VARIABLE: own}), tools="http://t/mcp", key=KEY))
    config = config_of(launch)
    assert launch.command == ("opencode", "-m", "a/b")
    assert (config["model"], config["plugin"]) == ("a/b", ["mine", "file:///private/opencode-plugin.js"])
    assert set(config["mcp"]) == {"own", "groupchat"}  # type: ignore[call-overload]
    assert list(launch.files) == [Path("/private/opencode-plugin.js")]
    assert launch.transcript == Path("/private/opencode-turns.jsonl")


def test_the_address_with_its_secret_is_in_the_plugin_alone_and_the_models_commands_get_the_users_settings() -> None:
    own = json.dumps({"model": "a/b"})
    launch = launched("opencode", place(**{CONFIG_VARIABLE: own}))
    (text,) = launch.files.values()
    told = text.partition("const RUN = ")[2].partition("\n")[0]
    assert json.loads(told)["hooks"] == SECRET
    assert json.loads(told)["config"] == own
    assert "a-secret" not in " ".join([*launch.command, *launch.env.values()])


@pytest.mark.parametrize("command", ["opencode run hi", "opencode serve", "opencode --version", "opencode --mini"])
def test_a_command_that_is_no_chat_starts_unchanged(command: str) -> None:
    assert launched(command) == LaunchPlan(tuple(command.split()))


def test_settings_that_cannot_be_read_are_left_for_opencode_to_report() -> None:
    assert launched("opencode", place(**{CONFIG_VARIABLE: "{"})) == LaunchPlan(("opencode",))


@pytest.mark.parametrize(
    ("command", "session"),
    [("opencode", ""), ("opencode --session ses_1aB", "ses_1aB"), ("opencode -s ses_1aB --fork", "")],
)
def test_the_session_is_known_if_the_command_names_it(command: str, session: str) -> None:
    assert launched(command).session == session


@pytest.mark.parametrize(
    ("given", "resumed"),
    [
        ("opencode", "opencode --session S"),
        ("opencode -m a/b shop --prompt fix", "opencode --session S -m a/b shop"),
        ("opencode --prompt=fix --pure", "opencode --session S --pure"),
        ("opencode --continue", None),
        ("opencode run fix", None),
    ],
)
def test_a_conversation_is_resumed_without_its_first_prompt(given: str, resumed: str | None) -> None:
    assert OPENCODE.launching.resumed(given.split(), "S") == (tuple(resumed.split()) if resumed else None)


@pytest.mark.parametrize(
    ("kind", "fact"),
    [
        ("prompt", TurnFactKind.PROMPT),
        ("model", TurnFactKind.MODEL),
        ("answer", TurnFactKind.ANSWER),
        ("interrupted", TurnFactKind.INTERRUPTED),
        ("failed", TurnFactKind.FAILED),
        ("refused", TurnFactKind.REFUSED),
        ("idle", None),
        ("tokens", None),
    ],
)
def test_events_are_facts_by_hook_and_by_file(kind: str, fact: TurnFactKind | None) -> None:
    event = {"hook_event_name": kind, "session_id": "ses_1", "turn": "msg_1", "text": "Grün."}
    by_hook, by_file = hooks_of(OPENCODE).fact(event), transcript_of(OPENCODE).line(event)
    assert by_hook == (TurnFact(fact, "Grün.", "msg_1") if fact else None)
    assert by_file == (TurnFact(fact, "Grün.", "msg_1", EvidenceSource.TRANSCRIPT) if fact else None)
    assert hooks_of(OPENCODE).session(event) == "ses_1"


PLAY = """\
import { LlmGroupchat } from "./plugin.mjs"
const plugin = await LlmGroupchat({ client: {} })
for (const event of JSON.parse(process.argv[2])) await plugin.event({ event })
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_plugin_tells_of_a_refused_request_and_when_a_long_wait_ends(tmp_path: Path) -> None:
    """Played in node, with the events that OpenCode sends while it waits. Nobody listens at the hook address."""
    where = replace(place(), private=tmp_path)
    (tmp_path / "plugin.mjs").write_text("\n".join(launched("opencode", where).files.values()))
    (tmp_path / "play.mjs").write_text(PLAY)
    statuses = (
        {"type": "busy"},
        {"type": "retry", "attempt": 1, "message": "Rate limited", "next": 4_000_000_000_000},
        {"type": "retry", "attempt": 2, "message": "You exceeded your current quota", "next": 0},
        {"type": "idle"},
    )
    events = [{"type": "session.status", "properties": {"sessionID": "ses_1", "status": status}} for status in statuses]
    subprocess.run(["node", "play.mjs", json.dumps(events)], cwd=tmp_path, check=True, timeout=60)
    told = [json.loads(line) for line in (tmp_path / "opencode-turns.jsonl").read_text().splitlines()]
    found = [transcript_of(OPENCODE).line(one) for one in told]
    texts = ("it tries again at 2096-10-02T07:06:40Z: Rate limited", "You exceeded your current quota")
    assert found == [TurnFact(TurnFactKind.REFUSED, text, "", EvidenceSource.TRANSCRIPT) for text in texts]
    limits = [conditions_of_failure(OPENCODE.rules, text) for text in texts]
    assert [one.text for match in limits for one in match] == list(texts)


def test_a_step_of_the_model_costs_tokens() -> None:
    cost = transcript_of(OPENCODE).cost
    assert cost({"hook_event_name": "tokens", "call": "prt_1", "tokens": 142}) == TokenCost("prt_1", 142)
    assert cost({"hook_event_name": "answer", "tokens": 142}) is None


DIFF = "--- a\n+++ a\n@@ -0,0 +1 @@\n+x\n"
EDIT = {"filepath": "/w/a.txt", "diff": DIFF}


@pytest.mark.parametrize(
    ("tool", "given", "patterns", "about", "detail"),
    [
        ("bash", {"command": "touch made"}, ["touch made"], AskAbout.COMMAND, "touch made"),
        ("edit", EDIT, ["w/a.txt"], AskAbout.DIFF, f"/w/a.txt\n{DIFF}"),
        ("webfetch", {"url": "https://a.example"}, ["*"], AskAbout.TEXT, "url: https://a.example"),
        ("doom_loop", {}, ["bash"], AskAbout.TEXT, 'patterns: ["bash"]'),
    ],
)
def test_a_question_is_told_whole_and_the_room_decides_it(
    tool: str, given: Mapping[str, object], patterns: list[str], about: AskAbout, detail: str
) -> None:
    event = {"hook_event_name": "question", "turn": "msg_1", "tool": tool, "input": given, "patterns": patterns}
    asked = approvals_of(OPENCODE).asked(event)
    assert asked is not None
    assert (asked.tool, asked.about, asked.detail, asked.turn) == (tool, about, detail, "msg_1")
    assert asked.decides and asked.words and asked.complete
    assert asked.question.endswith("(Allow always: in its terminal)")


def test_a_denial_carries_its_words() -> None:
    decide = approvals_of(OPENCODE).decide
    assert decide is not None
    assert decide(True, "alice", "") == {"reply": "once"}
    message = "alice denied this in the group chat, with these words:\nUse the test database."
    assert decide(False, "alice", "Use the test database.") == {"reply": "reject", "message": message}


@pytest.mark.parametrize(
    ("text", "typed"),
    [("see @a", "see @a "), ("@", "@ "), ("mail a@example.com", "mail a@example.com"), ("@a b", "@a b")],
)
def test_a_last_word_opens_no_list_that_would_take_the_enter(text: str, typed: str) -> None:
    assert OPENCODE.text.finish(text) == typed
