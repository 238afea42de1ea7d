"""The command line from end to end: what each verb answers, on which stream, with which exit code."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.client import Client
from gateway.protocol.errors import NotFound
from gateway.protocol.events import Message
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.message_requests import Report
from gateway.protocol.results import Done
from gateway.protocol.types.core_types import Rung, Step
from tests.support.commands import Groupchat
from tests.support.gateways import TEAM_TOKEN, GatewayProcess


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """One gateway for the whole file, because each command already takes half a second."""
    process = GatewayProcess(tmp_path_factory.mktemp("cli") / "state")
    with process.running():
        yield process


@pytest.fixture
def groupchat(process: GatewayProcess) -> Groupchat:
    return Groupchat(process.state, quick=True)


# saying and reading


def test_send_and_history(groupchat: Groupchat) -> None:
    first = groupchat("send", "--json", "--id", "history-1", "good", "morning", "to you")
    assert (first.code, first.err) == (0, "")
    assert first.json == {"seq": first.json["seq"], "deliveries": [], "reply": None, "team": ""}
    again = groupchat("send", "--json", "--id", "history-1", "good morning to you")
    assert again.json["seq"] == first.json["seq"], "repeating an id does not repeat the message"
    found = groupchat("history", "--json", "--limit", "1").json
    assert found["messages"][0] | {"timestamp": ""} == {
        "ev": "message",
        "seq": first.json["seq"],
        "id": "history-1",
        "room": "general",
        "from": "alice",
        "to": ["@all"],
        "kind": "chat",
        "content": "good morning to you",
        "timestamp": "",
    }
    shown = groupchat("history", "-n", "1")
    assert f"#{first.json['seq']} alice: good morning to you" in shown.out


def test_lines_of_files_go_with_a_message_and_are_shown_folded(groupchat: Groupchat, tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text("".join(f"line {number}\n" for number in range(1, 100)))
    sent = groupchat("send", "--json", "look", "--quote", f"{file}:42-58", "--quote", str(file))
    (message,) = groupchat("history", "--json", "--limit", "1").json["messages"]
    assert [(one["lines"], len(one["text"].splitlines())) for one in message["parts"] if "lines" in one] == [
        ("42-58", 17)
    ]
    number = str(sent.json["seq"])
    for command in (
        ("history", "-n", "1"),
        ("listen", "--since", str(int(number) - 1), "--count", "1"),
        ("receipts", number),
    ):
        shown = groupchat(*command).out
        assert f"#{number} alice: look\n    with {file}:42-58, 17 lines\n" in shown
        assert ", 99 lines\n" in shown and "line 42" not in shown
    assert "cannot be read" in groupchat("send", "look", "--quote", str(tmp_path / "no.py")).err


def test_receipts_without_a_number_are_those_of_ones_last_message_in_the_room(groupchat: Groupchat) -> None:
    groupchat("rooms", "--create", "lodge")
    first = groupchat("send", "--json", "--room", "lodge", "mine").json["seq"]
    last = groupchat("send", "--json", "the last of all").json["seq"]
    assert groupchat("receipts", "--json").json["message"]["seq"] == last
    assert groupchat("receipts", "--json", "--room", "lodge").json["message"]["seq"] == first
    assert f"#{last} alice: the last of all" in groupchat("receipts").out


def test_send_reads_standard_input(groupchat: Groupchat) -> None:
    assert groupchat("send", "--json", "-", given="from a pipe\nin two lines\n").code == 0
    assert groupchat("history", "--json", "-n", "1").json["messages"][0]["content"] == "from a pipe\nin two lines\n"


def test_search(groupchat: Groupchat) -> None:
    sent = groupchat("send", "--json", "the aardvark sleeps").json["seq"]
    found = groupchat("search", "--json", "aardvark", "sleeps").json
    assert [one["seq"] for one in found["messages"]] == [sent]
    assert groupchat("search", "--json", "aardvark", "--from", "nobody").json["messages"] == []
    assert groupchat("search", "--json", "***").error["code"] == "bad_request"


def test_recall(groupchat: Groupchat) -> None:
    asked = groupchat("send", "--json", "does anyone know where the okapi lives?").json["seq"]
    sent = groupchat("send", "--json", "--reply-to", str(asked), "in the north wing").json["seq"]
    (passage,) = groupchat("recall", "--json", "Where", "does", "the", "okapi", "live?").json["passages"][:1]
    assert [one["seq"] for one in passage["messages"]] == [asked, sent]
    shown = groupchat("recall", "Where does the okapi live?").out
    assert f"#{sent} general alice (answers #{asked}): in the north wing" in shown
    assert "Nothing that you can read" in groupchat("recall", "quagga zeedonk").out
    assert groupchat("recall", "--json", "***").error["code"] == "bad_request"


async def test_send_waits_for_the_reply(process: GatewayProcess, groupchat: Groupchat) -> None:
    token = groupchat("token", "create", "replier", "--json").json["token"]
    endpoint = type(process.operator)(process.url, token)
    async with Client(endpoint, Hello(inbox=True)) as agent:
        command = await groupchat.start("send", "--json", "--wait-reply", "@replier", "how are you?")
        async for event in agent.events():
            if isinstance(event, Message):
                steps = (Step(Rung.TYPED), Step(Rung.SUBMITTED), Step(Rung.ACCEPTED))
                await agent.request(Report(message=event.seq, steps=steps), Done)
                await agent.send("quite well", to="@alice", reply_to=event.seq)
                break
        out, err = await asyncio.wait_for(command.communicate(), 60)
    answer = json.loads(out)
    assert (command.returncode, err) == (0, b"")
    assert answer.keys() == {"seq", "deliveries", "reply", "team"}
    assert (answer["reply"]["content"], answer["reply"]["from"]) == ("quite well", "replier")
    assert answer["reply"]["reply_to"] == answer["seq"]
    assert [(one["member"], one["rung"]) for one in answer["deliveries"]] == [("replier", "accepted")]
    story = groupchat("receipts", "--json", str(answer["seq"])).json
    assert [step["rung"] for receipt in story["receipts"] for step in receipt["steps"]] == [
        "typed",
        "submitted",
        "accepted",
        "answered",
    ]


def test_a_reply_that_does_not_come(groupchat: Groupchat) -> None:
    groupchat("token", "create", "sleeper", "--json")
    outcome = groupchat("send", "--json", "--wait-reply", "--timeout", "0.3", "@sleeper", "hello?")
    assert (outcome.code, outcome.out, outcome.error["code"]) == (1, "", "timed_out")


async def test_listen_tells_what_happens_as_it_happens(groupchat: Groupchat, process: GatewayProcess) -> None:
    last = groupchat("send", "--json", "before").json["seq"]
    command = await groupchat.start("listen", "--json", "--since", str(last), "--count", "2")
    async with Client(process.operator) as alice:
        await alice.send("one")
        await alice.send("two")
    out, _ = await asyncio.wait_for(command.communicate(), 60)
    assert command.returncode == 0
    frames = [json.loads(line) for line in out.splitlines()]
    assert [one["content"] for one in frames if one["ev"] == "message"] == ["one", "two"]


# members, rooms, status


def test_agents(groupchat: Groupchat) -> None:
    groupchat("token", "create", "claude", "--role", "coder", "--json")
    groupchat("send", "--json", "@claude", "for your queue")
    found = {one["name"]: one for one in groupchat("agents", "--json").json["agents"]}
    claude = found["claude"]
    assert claude.keys() >= {"name", "kind", "role", "presence", "activity", "queued", "project"}
    assert [claude[name] for name in ("kind", "role", "presence", "activity")] == ["agent", "coder", "away", "unknown"]
    assert claude["queued"] >= 1
    assert found["alice"]["kind"] == "human"
    assert "claude" in groupchat("agents").out


def test_who_is_in_a_room_and_on_the_gateway(groupchat: Groupchat) -> None:
    groupchat("token", "create", "visitor", "--kind", "human", "--json")
    groupchat("rooms", "--create", "attic", "--invite-only")
    assert "visitor may join attic" in groupchat("rooms", "invite", "attic", "visitor").out
    assert groupchat("rooms", "kick", "attic", "visitor", "--json").json["seq"] > 0
    assert groupchat("rooms", "rm", "attic", "--json").json["seq"] > 0
    assert "attic" not in groupchat("rooms", "--json").out
    assert groupchat("rooms", "--json", "--create", "attic").error["code"] == "room_exists"
    assert "visitor is removed." in groupchat("members", "rm", "visitor").out
    assert "visitor" not in groupchat("agents", "--all", "--json").out


def test_a_read_only_token(groupchat: Groupchat) -> None:
    groupchat("token", "create", "board", "--kind", "tool", "--read-only", "--json")
    listed = {one["name"]: one for one in groupchat("token", "list", "--json").json["tokens"]}
    assert listed["board"]["read_only"] is True
    assert (
        groupchat("token", "create", "b2", "--read-only", "--scope", "admin", "--json").error["code"] == "bad_request"
    )


def test_rooms(groupchat: Groupchat) -> None:
    made = groupchat("rooms", "--json", "--create", "kitchen", "--topic", "what to eat").json
    assert next(one for one in made["rooms"] if one["name"] == "kitchen")["topic"] == "what to eat"
    assert groupchat("send", "--json", "--room", "kitchen", "soup").code == 0
    assert [one["content"] for one in groupchat("history", "--json", "--room", "kitchen").json["messages"]] == ["soup"]
    left = groupchat("rooms", "--json", "--leave", "kitchen").json
    assert next(one for one in left["rooms"] if one["name"] == "kitchen").get("members", []) == []
    again = groupchat("rooms", "--json", "--create", "kitchen")
    assert (again.code, again.error["code"]) == (1, "room_exists")


def test_a_room_is_named_filled_and_muted(groupchat: Groupchat) -> None:
    groupchat("token", "create", "ada", "--json")
    groupchat("rooms", "--json", "--create", "workshop")
    assert "The topic of workshop is set." in groupchat("rooms", "topic", "workshop", "what", "to mend").out
    assert "ada" in groupchat("rooms", "invite", "workshop", "ada").out
    listed = groupchat("rooms").out
    assert "what to mend" in listed and "alice" in listed
    assert "workshop is muted for you." in groupchat("mute", "workshop").out
    assert groupchat("mute", "workshop", "--json").code == 0
    assert "workshop is no longer muted for you." in groupchat("unmute", "workshop").out
    assert groupchat("mute", "nowhere", "--json").error["code"] == "unknown_room"


def test_a_message_in_public_to_one(groupchat: Groupchat) -> None:
    groupchat("token", "create", "ben", "--json")
    sent = groupchat("send", "--json", "--wakes", "ben", "in front of everyone").json["seq"]
    found = groupchat("history", "--json", "--limit", "1").json["messages"][0]
    assert (found["seq"], found["to"], found["wakes"]) == (sent, ["@all"], ["ben"])
    assert groupchat("send", "--json", "--to-public", "ben", "@alice hi").error["code"] == "bad_request"


def test_status(groupchat: Groupchat) -> None:
    found = groupchat("status", "--json").json
    assert found["status"] == "ok"
    assert found.keys() >= {"version", "uptime", "agents", "members", "rooms", "connections", "last_seq", "queued"}


async def test_stats_count_what_members_do(groupchat: Groupchat, process: GatewayProcess) -> None:
    ends = []
    for name in ("counting", "counted"):
        created = await asyncio.to_thread(groupchat, "token", "create", name, "--json")
        ends.append(type(process.operator)(process.url, created.json["token"]))
    async with Client(ends[0], Hello()) as counting, Client(ends[1], Hello(inbox=True)) as counted:
        for number in range(3):
            await counting.send(f"number {number}", to="@counted")
        with pytest.raises(NotFound):
            await counting.send("is anybody there?", to="@nobody-of-this-name")
        messages = [event.seq async for event in first_messages(counted, 3)]
        taken = (Step(Rung.TYPED), Step(Rung.SUBMITTED), Step(Rung.ACCEPTED))
        for seq in messages[:2]:
            await counted.request(Report(message=seq, steps=taken), Done)
        found = (await asyncio.to_thread(groupchat, "stats", "--json")).json
        shown = (await asyncio.to_thread(groupchat, "stats")).out
    figures = {one["name"]: one for one in found["members"]}
    sender, reader = figures["counting"]["traffic"], figures["counted"]["traffic"]
    assert (figures["counting"]["connected"], figures["counted"]["connected"]) == (True, True)
    assert (sender["sent"], sender["refused"], sender["waiting"]) == (3, 1, 0)
    assert sender["error_rate"] == pytest.approx(1 / sender["requests"]) and sender["sent_per_second"] > 0
    assert (reader["sent"], reader["taken"], reader["waiting"], reader["refused"]) == (0, 2, 1, 0)
    assert 0 < reader["latency"]["p50"] <= reader["latency"]["p95"] <= reader["latency"]["p99"]
    assert found["total"]["sent"] == sum(one["traffic"]["sent"] for one in found["members"]) + found["others"]["sent"]
    head, columns, *lines = shown.splitlines()
    rows = {line.split()[0]: dict(zip(columns.split(), line.split(), strict=False)) for line in lines}
    assert found["connected"]["agent"] >= 2
    assert re.match(r"up .*; connected: .*\d agents", head)
    assert [rows["counting"][one] for one in ("sent", "waits", "lost", "p50")] == ["3", "0", "0", "-"]
    assert rows["counting"]["errors"] == f"{sender['error_rate']:.0%}"
    assert [rows["counted"][one] for one in ("sent", "errors", "waits", "lost")] == ["0", "0%", "1", "0"]
    assert rows["counted"]["p50"].endswith("s")
    assert "(all)" in rows


async def first_messages(client: Client, count: int) -> AsyncIterator[Message]:
    async with asyncio.timeout(60):
        async for event in client.events():
            if isinstance(event, Message):
                yield event
                count -= 1
                if not count:
                    return


def test_doctor(groupchat: Groupchat, tmp_path: Path) -> None:
    found = groupchat("doctor", "--json")
    findings = {one["what"]: one for one in found.json["findings"]}
    assert findings["gateway"]["ok"] and findings["database"]["ok"] and findings["state folder"]["ok"]
    assert found.code == (0 if found.json["ok"] else 1)
    nowhere = Groupchat(tmp_path / "nothing-here", quick=True)("doctor", "--json").json
    assert {one["what"]: one["ok"] for one in nowhere["findings"]}["gateway"] is True
    assert not (tmp_path / "nothing-here").exists(), "looking makes nothing"


def test_doctor_finds_loose_files_and_a_damaged_database(tmp_path: Path) -> None:
    state = tmp_path / "state"
    (state / "tokens").mkdir(parents=True)
    state.chmod(0o755)
    (state / "tokens" / "alice").write_text("x")
    (state / "tokens" / "alice").chmod(0o644)
    (state / "groupchat.db").write_bytes(b"no database" * 100)
    outcome = Groupchat(state, quick=True)("doctor", "--json")
    bad = {one["what"]: one["remedy"] for one in outcome.json["findings"] if not one["ok"]}
    assert (outcome.code, outcome.json["ok"]) == (1, False)
    assert bad["state folder"] == f"chmod 700 {state}"
    assert bad["token file"] == f"chmod 600 {state / 'tokens' / 'alice'}"
    assert ".recover" in bad["database"]


# tokens


def test_tokens(groupchat: Groupchat) -> None:
    made = groupchat("token", "create", "tess", "--kind", "human", "--scope", "observer,approver", "--expires", "30d")
    assert made.code == 0
    token = made.out.strip()
    shown = groupchat("token", "create", "tess", "--kind", "human", "--json").json
    assert shown.keys() == {"name", "token", "expires"}
    assert (shown["name"], shown["expires"]) == ("tess", None)
    listed = [one for one in groupchat("token", "list", "--json").json["tokens"] if one["name"] == "tess"]
    assert [one.get("scopes", []) for one in listed] == [["observer", "approver"], []]
    assert [bool(one.get("expires")) for one in listed] == [True, False]
    everything = groupchat("token", "list").out + json.dumps(listed)
    assert token.split("_", 2)[2] not in everything
    rotated = groupchat("token", "rotate", "tess", "--grace", "60s", "--json").json
    assert rotated["token"] not in (token, shown["token"])
    assert groupchat("token", "revoke", "tess", "--json").json == {"revoked": "tess"}
    gone = groupchat.with_env(CSP_AUTH_TOKEN=rotated["token"])("status", "--json")
    assert (gone.code, gone.error["code"]) == (1, "unauthorized")


def test_tokens_of_a_gateway_that_is_not_running(tmp_path: Path) -> None:
    groupchat = Groupchat(tmp_path / "state", quick=True)
    made = groupchat("token", "create", "early", "--json")
    assert (made.code, made.json["name"]) == (0, "early")
    process = GatewayProcess(tmp_path / "state")
    with process.running():
        found = groupchat.with_env(CSP_AUTH_TOKEN=made.json["token"])("agents", "--json").json["agents"]
        assert "early" in [one["name"] for one in found]


def test_tokens_after_the_gateway_was_killed(tmp_path: Path) -> None:
    process = GatewayProcess(tmp_path / "state")
    with process.running():
        process.kill()
        made = Groupchat(tmp_path / "state", quick=True)("token", "create", "late", "--json")
        assert made.code == 0, made.err


# finding the gateway


def test_the_gateway_is_found_by_option_environment_and_folder(process: GatewayProcess, tmp_path: Path) -> None:
    elsewhere = Groupchat(tmp_path / "empty", quick=True)
    by_env = elsewhere.with_env(CSP_AUTH_TOKEN=TEAM_TOKEN, CSP_GATEWAY_URL=process.url)
    by_option = elsewhere.with_env(CSP_AUTH_TOKEN=TEAM_TOKEN)
    assert by_env("status", "--json").code == 0
    assert by_option("status", "--json", "--gateway", process.url).code == 0
    assert by_option("--gateway", process.url, "status", "--json").code == 0
    assert elsewhere("status", "--json", "--state", str(process.state)).code == 0
    lost = elsewhere("status", "--json")
    assert (lost.code, lost.error["code"]) == (1, "unavailable")
    assert "groupchat serve" in lost.error["message"]


# going wrong


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("send", "@clod", "hello"), "unknown_recipient"),
        (("send", "/pause"), "unknown_command"),
        (("send", "  "), "bad_request"),
        (("send", "--room", "nowhere", "hello"), "unknown_room"),
        (("history", "--room", "nowhere"), "unknown_room"),
        (("receipts", "424242"), "unknown_message"),
        (("keys", "alice", "foo"), "bad_request"),
        (("token", "create", "system"), "reserved_name"),
        (("token", "create", "a b"), "invalid_name"),
        (("token", "revoke", "nobody"), "not_found"),
        (("export", "nowhere"), "unknown_room"),
        (("status", "--gateway", "ftp://x"), "bad_request"),
    ],
)
def test_errors_go_to_standard_error_with_exit_code_1(
    groupchat: Groupchat, arguments: tuple[str, ...], code: str
) -> None:
    outcome = groupchat(*arguments, "--json")
    assert (outcome.code, outcome.out, outcome.error["code"]) == (1, "", code)
    assert outcome.error.keys() >= {"code", "message"}
    assert "Traceback" not in outcome.err


def test_common_options_before_a_verb_of_another_program(process: GatewayProcess, tmp_path: Path) -> None:
    elsewhere = Groupchat(tmp_path / "empty", quick=True).with_env(CSP_AUTH_TOKEN=process.operator.token)
    found = elsewhere("--gateway", process.url, "--json", "token", "list")
    assert "alice" in [one["name"] for one in found.json["tokens"]]
    refused = elsewhere("--json", "--gateway", process.url, "token", "revoke", "nobody")
    assert (refused.code, refused.out, refused.error["code"]) == (1, "", "not_found")


def test_for_people_an_error_is_a_sentence(groupchat: Groupchat) -> None:
    outcome = groupchat("send", "@clod", "hello")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("Nobody here is called 'clod'")


@pytest.mark.parametrize(
    "arguments",
    [
        ("fly",),
        ("send",),
        ("history", "--limit", "0"),
        ("history", "--colour", "red"),
        ("receipts", "seven"),
        ("token", "create", "x", "--expires", "soon"),
        ("token", "create", "x", "--scope", "everything"),
        ("token", "create", "x", "--kind", "dog"),
        ("serve", "--port", "99999"),
        ("import", "no-such-file"),
    ],
)
def test_wrong_usage_is_exit_code_2(groupchat: Groupchat, arguments: tuple[str, ...]) -> None:
    outcome = groupchat(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert "Traceback" not in outcome.err
    assert outcome.err


@pytest.mark.parametrize("verb", ["send", "serve", "token"])
def test_a_verb_helps(process: GatewayProcess, verb: str) -> None:
    """In a new interpreter, which hands a verb over to the program that owns it."""
    outcome = Groupchat(process.state)(verb, "--help")
    assert outcome.code == 0
    assert f"Usage: groupchat {verb}" in outcome.out


# out and in again


def test_an_export_is_the_operators_alone(groupchat: Groupchat, tmp_path: Path) -> None:
    file = tmp_path / "general.jsonl"
    file.touch(0o644)
    for _ in range(2):
        assert groupchat("export", "-o", str(file)).code == 0
        assert file.stat().st_mode & 0o777 == 0o600
        file.unlink()
    nowhere = groupchat("export", "-o", str(tmp_path / "no" / "file"), "--json")
    assert "cannot be written" in nowhere.error["message"]


def test_export_and_import(groupchat: Groupchat, tmp_path: Path) -> None:
    groupchat("token", "create", "ivy", "--json")
    groupchat("rooms", "--create", "annals", "--topic", "to be kept")
    for text in ("first", "second \u2713"):
        groupchat("send", "--room", "annals", text)
    groupchat("context", "push", "notes", "-", "--room", "annals", given='{"kept": true}')
    file = tmp_path / "annals.jsonl"
    with_output = groupchat("export", "annals", "--output", str(file))
    assert (with_output.code, with_output.out) == (0, "")
    to_stdout = groupchat("export", "annals")
    assert to_stdout.out == file.read_text()
    lines = to_stdout.lines
    assert (lines[0]["groupchat"], lines[0]["room"]["name"], lines[0]["room"]["topic"]) == (1, "annals", "to be kept")
    assert [one["content"] for one in lines if one.get("ev") == "message"] == ["first", "second \u2713"]

    target = Groupchat(tmp_path / "other", quick=True)
    assert target("import", str(file), "--json").json == {"room": "annals", "imported": 2, "known": 0}
    assert target("import", str(file), "--json").json == {"room": "annals", "imported": 0, "known": 2}
    process = GatewayProcess(tmp_path / "other")
    with process.running():
        busy = target("import", str(file), "--json")
        assert (busy.code, busy.error["code"]) == (1, "unavailable")
        assert "annals" in [one["name"] for one in target("rooms", "--json").json["rooms"]]
        found = target("history", "--room", "annals", "--json").json["messages"]
        assert [(one["from"], one["content"]) for one in found] == [("alice", "second \u2713"), ("alice", "first")]
        assert target("rooms", "--join", "annals").code == 0
        notes = target("context", "pull", "notes", "--room", "annals", "--json").json
        assert (notes["document"], notes["by"], notes["version"]) == ({"kept": True}, "alice", 1)
        original = [one["timestamp"] for one in lines if one.get("ev") == "message"]
        assert [one["timestamp"] for one in found] == original[::-1]
        assert [one["content"] for one in target("search", "second", "--json").json["messages"]] == ["second \u2713"]


@pytest.mark.parametrize("text", ["", "not json\n", '{"groupchat":99,"room":{"name":"x"},"kinds":{}}\n', "\x00\xff\n"])
def test_what_is_no_export(tmp_path: Path, text: str) -> None:
    file = tmp_path / "file"
    file.write_text(text)
    outcome = Groupchat(tmp_path / "state", quick=True)("import", str(file), "--json")
    assert (outcome.code, outcome.error["code"]) == (1, "bad_request")


# what is written down


def test_neither_tokens_nor_words_are_in_the_log(process: GatewayProcess, groupchat: Groupchat) -> None:
    token = groupchat("token", "create", "quiet", "--json").json["token"]
    groupchat("send", "a-most-private-word", "--json")
    groupchat("send", "@clod", "another-private-word")
    groupchat.with_env(CSP_AUTH_TOKEN="a-guessed-token")("status")
    assert '"event": "= listening"' in process.log
    operator = process.operator.token
    for secret in (token, operator, operator.split("_", 2)[2], TEAM_TOKEN, "private-word", "a-guessed-token"):
        assert secret not in process.log
    for line in process.log.splitlines():
        assert isinstance(json.loads(line), dict), "one JSON object a line"


def test_the_token_is_in_no_command_line(process: GatewayProcess) -> None:
    arguments = Path(f"/proc/{process.pid}/cmdline")
    if not arguments.exists():
        pytest.skip("this system shows no command lines under /proc")
    assert TEAM_TOKEN.encode() not in arguments.read_bytes()
