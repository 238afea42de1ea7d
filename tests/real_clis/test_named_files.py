"""A message that happens to name a file: none of the real CLIs reads it, and each model gets the words."""

import json
from pathlib import Path

import pytest

from tests.real_clis.homes import NEWEST, Cli
from tests.real_clis.running import in_a_sidecar

pytestmark = pytest.mark.slow

MARK = "ONLY-IN-A-FILE"
TEXTS = (
    "see @parse.py, git@parse.py and 1@claude now",
    "mail a@example.com (@parse.py) é@parse.py 日@parse.py\n@parse.py\n| @sub/in.py",
    "at the end @parse.py",
    "outside @{outside} and @~/out.txt or @../up.txt, you see",
    '@@parse.py @"parse.py" @./parse.py @parse @sub \u3000@parse.py',
)
MENTION = "ask @bob about it"


def _files(home: Path, work: Path) -> None:
    home.mkdir()
    (work / "sub").mkdir(parents=True)
    names = ("parse.py", "made_by_claude", "example.com.conf", "sub/in.py")
    for path in (*(work / name for name in names), home / "out.txt", work.parent / "up.txt"):
        path.write_text(MARK)


@pytest.mark.parametrize("cli", NEWEST.values(), ids=NEWEST)
async def test_no_file_is_read_because_a_message_names_it(cli: Cli, tmp_path: Path) -> None:
    home, work = tmp_path / "home", tmp_path / "work"
    _files(home, work)
    async with in_a_sidecar(cli, tmp_path) as (seat, model):
        for text in TEXTS:
            said = text.format(outside=home / "out.txt") if "{outside}" in text else text
            number = seat.room.say(said)
            await seat.reaches(number, "answered", 30)
            body = json.dumps(model.turns[-1].body)
            assert MARK not in body, seat.describe()
            assert said in model.prompts[-1].replace("\\@", "@"), model.prompts[-1]
        number = seat.room.say(MENTION)
        await seat.reaches(number, "answered", 30)
        prompt = model.prompts[-1]
        assert MENTION in (prompt.replace("\\@", "@") if cli.name == "gemini" else prompt)
