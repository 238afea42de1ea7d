"""A message that happens to name a file: none of the real CLIs reads it, and each model gets the words."""

import json
from pathlib import Path

import pytest

from tests.fakes.models.model import Model
from tests.fakes.outside import outside
from tests.real_clis.homes import CLIS, Cli, Place
from tests.sidecar.seat import seated

pytestmark = pytest.mark.slow

NAMES = [name for name in CLIS if "-" not in name]
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
    (work / "sub").mkdir()
    names = ("parse.py", "made_by_claude", "example.com.conf", "sub/in.py")
    for path in (*(work / name for name in names), home / "out.txt", work.parent / "up.txt"):
        path.write_text(MARK)


@pytest.mark.parametrize("cli", [CLIS[name] for name in NAMES], ids=NAMES)
async def test_no_file_is_read_because_a_message_names_it(cli: Cli, tmp_path: Path) -> None:
    if cli.missing:
        pytest.skip(cli.missing)
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    _files(home, work)
    async with Model(cli.dialect()) as model, outside() as world:
        launch = cli.launch(Place(home, work, model.url), cli.program)
        async with seated(work, launch.argv, agent=cli.name, env={**launch.env, **world.env}) as seat:
            await seat.is_("idle", 60)
            for text in TEXTS:
                said = text.format(outside=home / "out.txt") if "{outside}" in text else text
                number = seat.room.say(said)
                await seat.reaches(number, "answered", 30)
                body = json.dumps(model.turns[-1].body)
                assert MARK not in body, seat.describe()
                assert said in model.prompts[-1].replace("\\@", "@"), model.prompts[-1]
            number = seat.room.say(MENTION)
            await seat.reaches(number, "answered", 30)
            assert MENTION in model.prompts[-1] or cli.name == "gemini"
