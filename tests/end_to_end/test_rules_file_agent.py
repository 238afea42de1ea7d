"""A program that nobody knows takes part in the room with a rules file alone. It runs in a real terminal."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.protocol.events import ControlAction
from tests.fakes import repl
from tests.fakes.retry import retry_until
from tests.sidecar.memory_room import MemoryRoom
from tests.sidecar.sidecar_terminal import SidecarTerminal, sidecar_in_terminal

CLEAR_ROW = "\x15"
MARKS = """
[marks]
prompt = '^mine> $'
busy = '^working'
dialog = '\\[y/n\\] $'
end = '^-- done --$'
"""
TRANSCRIPT = """
[transcript]
file = "{private}/talk.jsonl"
[[transcript.lines]]
is = "prompt"
where = { type = "user" }
text = "text"
[[transcript.lines]]
is = "answer"
where = { type = "assistant" }
text = "message.content"
"""


def rules(folder: Path, text: str, *, words: str = "", head: str = "") -> Path:
    """Where the user puts a rules file, for our program."""
    path = folder / "rules" / "mine.toml"
    path.parent.mkdir(exist_ok=True)
    launch = f"[launch]\ncommand = '{sys.executable} -u {repl.__file__} {words}'\n"
    path.write_text(f'agent = "mine"\n{head}\n{launch}{text}')
    return path


@asynccontextmanager
async def agent_by_file(folder: Path) -> AsyncIterator[SidecarTerminal]:
    async with sidecar_in_terminal(folder, (), MemoryRoom("mine"), "mine") as pane:
        await pane.is_("idle")
        yield pane


async def test_a_message_is_typed_when_it_is_idle_and_its_answer_comes_back(tmp_path: Path) -> None:
    rules(tmp_path, MARKS + TRANSCRIPT, words="{private}/talk.jsonl")
    (tmp_path / "hold").touch()
    async with agent_by_file(tmp_path) as pane:
        first = pane.room.say("one")
        await pane.is_("busy")
        second = pane.room.say("two")
        await retry_until(lambda: "held" in pane.room.rungs(second), describe=pane.describe)
        assert "two" not in pane.text
        (tmp_path / "hold").unlink()
        await pane.reaches(second, "answered")
        assert pane.room.replies == {
            first: "heard: [alice -> mine #1] one",
            second: "heard: [alice -> mine #2] two",
        }


async def test_nothing_is_typed_into_its_dialog(tmp_path: Path) -> None:
    rules(tmp_path, MARKS + TRANSCRIPT, words="{private}/talk.jsonl")
    async with agent_by_file(tmp_path) as pane:
        first = pane.room.say("delete it")
        await pane.is_("asking")
        second = pane.room.say("y")
        await retry_until(lambda: "held" in pane.room.rungs(second), describe=pane.describe)
        assert "asking" in pane.room.reasons(second)
        assert "[y/n]" in pane.text.rstrip().rpartition("\n")[2]
        pane.type("n\r")
        await pane.reaches(first, "answered")
        await pane.reaches(second, "answered")
        assert pane.room.replies[first] == "you chose n"


async def test_hooks_in_the_style_of_a_known_agent_prove_and_answer(tmp_path: Path) -> None:
    rules(tmp_path, 'environment = { REPL_HOOK = "{hook}" }\n[hooks]\nstyle = "claude"\n' + MARKS)
    async with agent_by_file(tmp_path) as pane:
        number = pane.room.say("hello")
        await pane.reaches(number, "answered")
        assert pane.room.replies == {number: f"heard: [alice -> mine #{number}] hello"}
        assert "hook" in pane.room.reasons(number)


async def test_without_an_envelope_a_repl_gets_the_bare_text_and_its_output_is_shared_by_order_alone(
    tmp_path: Path,
) -> None:
    rules(tmp_path, MARKS, head='envelope = "none"')
    async with agent_by_file(tmp_path) as pane:
        first = pane.room.say("one")
        await pane.shows("heard: one")
        await pane.reaches(first, "submitted")
        await pane.is_("idle")
        pane.room.order(ControlAction.SHARE, text="replies")
        second, third = pane.room.say("two"), pane.room.say("three")
        await pane.reaches(third, "answered")
        assert pane.room.replies == {second: "working...\nheard: two", third: "working...\nheard: three"}


async def test_a_regular_expression_without_end_does_no_harm_to_a_running_sidecar(tmp_path: Path) -> None:
    """One that the check of its form does not see. The message waits until the file is mended."""
    path = rules(tmp_path, MARKS + TRANSCRIPT, words="{private}/talk.jsonl")
    good = path.read_text()
    async with agent_by_file(tmp_path) as pane:
        path.write_text(good.replace("^working", "[a-z ]*" * 7 + "[0-9]"))

        def is_unknown_after_another_key() -> bool:
            pane.type("a")
            return pane.room.activity == "unknown"

        await retry_until(is_unknown_after_another_key, describe=pane.describe)
        number = pane.room.say("one")
        await retry_until(lambda: "held" in pane.room.rungs(number), describe=pane.describe)
        assert "takes longer than" in pane.room.activities[-1].note
        pane.type(CLEAR_ROW)
        path.write_text(good)
        await pane.reaches(number, "answered")
