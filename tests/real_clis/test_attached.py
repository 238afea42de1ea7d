"""What comes with a message reaches the model of each real CLI: lines quoted; 100 kB by a file, with no question."""

import json
from pathlib import Path

import pytest

from gateway.protocol.requests import OpenAsk
from gateway.protocol.types import Part
from sidecar.messages.attachment_text import FILE_HINT
from tests.fakes.models.model import Model
from tests.fakes.models.script import Reply, ToolCall
from tests.real_clis.homes import NEWEST, Cli
from tests.real_clis.running import in_a_sidecar
from tests.sidecar.seat import Seat

pytestmark = pytest.mark.slow

LINES = Part("file", "[section]\n@dataclass\nclass A:\n    `x` = [1, 2]\n", path="a.py", lines="42-45")
LONG = "".join(f"{number:5} FROM-THE-FILE and so on\n" for number in range(3300))


def reading(cli: str, path: str) -> ToolCall:
    if cli == "codex":
        return ToolCall("exec_command", {"cmd": f"cat '{path}'"})
    return ToolCall("Read" if cli == "claude" else "read_file", {"file_path": path})


@pytest.mark.parametrize("cli", NEWEST.values(), ids=NEWEST)
async def test_what_comes_with_a_message_reaches_the_model(cli: Cli, tmp_path: Path) -> None:
    async with in_a_sidecar(cli, tmp_path) as one:
        seat, model = one.seat, one.model
        await _short(seat, model)
        path = await _long(seat, model, cli.name)
        assert path.read_text() == LONG
    assert not path.exists()
    assert set(model.strangers) <= {"POST /v1/messages/count_tokens"}  # what claude asks before a long file


async def _short(seat: Seat, model: Model) -> None:
    number = seat.room.say("look", parts=(LINES,), context={"branch": "main"})
    await seat.reaches(number, "answered", 30)
    prompt = model.prompts[-1].replace("\\@", "@")
    quoted = "| [section]\n| @dataclass\n| class A:\n|     `x` = [1, 2]\n```"
    assert f"look\nwith a.py:42-45 (4 lines, 47 characters):\n```\n{quoted}" in prompt, prompt
    assert '```\n| {\n|  "branch": "main"\n| }\n```' in prompt, prompt


async def _long(seat: Seat, model: Model, cli: str) -> Path:
    def choose(_: object) -> Reply:
        prompt = model.prompts[-1]
        if FILE_HINT not in prompt or read:
            return Reply("thanks")
        read.append(prompt.partition(FILE_HINT)[2].strip().split("\n")[0])
        return Reply("", tool=reading(cli, read[0]))

    read: list[str] = []
    model.choose = choose
    number = seat.room.say("and all of this", parts=(Part("file", LONG, path="log.txt"),))
    await seat.reaches(number, "answered", 60)
    assert f"with log.txt (3300 lines, {len(LONG)} characters), {FILE_HINT}" in model.prompts[-1]
    assert "0 FROM-THE-FILE" in json.dumps(model.turns[-1].body), seat.describe()
    assert not [asked for asked in seat.room.asked if isinstance(asked, OpenAsk)]
    return Path(read[0])
