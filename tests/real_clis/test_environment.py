"""What a command that each real CLI's model runs finds of the person's tmux and of tokens: nothing."""

import contextlib
import json
import subprocess
from pathlib import Path

import pytest

from tests.fakes.models.model import Model
from tests.fakes.models.script import Reply, ToolCall
from tests.fakes.outside import outside
from tests.fakes.retry import retry_until
from tests.real_clis.homes import AIDER, NEWEST, VIBE, Cli, Place
from tests.real_clis.running import STARTS_WITHIN_S
from tests.sidecar.sidecar_terminal import SidecarTerminal, sidecar_in_terminal

pytestmark = pytest.mark.slow

LOOK = "env | grep -a -e secret -e ^TMUX= ; tmux send-keys -t chat -l x; echo LOOKED-$?"
SCRIPT = "look.sh"  # Vibe refuses each command that names tmux


def look_around(cli: Cli, work: Path) -> ToolCall:
    (work / SCRIPT).write_text(LOOK)
    if cli is AIDER:  # it loses what a command prints that ends before aider reads it
        return cli.calling(f"sleep 1; {LOOK}")
    return cli.calling(f"sh ./{SCRIPT}" if cli is VIBE else LOOK)


@pytest.mark.parametrize("cli", NEWEST.values(), ids=NEWEST)
async def test_a_command_of_the_model_finds_no_token_and_not_the_persons_tmux(cli: Cli, tmp_path: Path) -> None:
    if cli.missing:
        pytest.skip(cli.missing)
    home, work, socket = tmp_path / "home", tmp_path / "work", tmp_path / "tmux"
    home.mkdir()
    work.mkdir()
    person = ("tmux", "-S", str(socket), "-f", "/dev/null")
    subprocess.run([*person, "new-session", "-d", "-s", "chat", "sleep 600"], check=True)
    inside = {"TMUX": f"{socket},1,0", "TMUX_PANE": "%0", "TERM_PROGRAM": "tmux"}
    tokens = {"CSP_AUTH_TOKEN": "secret-7", "GROUPCHAT_TOKEN": "secret-8"}
    tool = look_around(cli, work)
    try:
        async with Model(cli.dialect()) as model, outside() as world:
            model.script(Reply("I look.", tool=tool), *[Reply("Seen.")][: cli.continues])
            launch = cli.launch(Place(home, work, model.url), cli.program)
            env = {**launch.env, **world.env, **inside, **tokens}
            async with sidecar_in_terminal(work, launch.argv, agent=cli.name, env=env) as pane:
                await pane.is_("idle", STARTS_WITHIN_S)
                number = pane.room.say("look")
                await _is_run(pane, cli, number)
            found = json.dumps(model.turns[-1].body)
    finally:
        subprocess.run([*person, "kill-server"], check=False)
    assert "LOOKED-1" in found
    assert "secret-" not in found.replace(json.dumps(LOOK)[1:-1], "")
    assert str(socket) not in found


async def _is_run(pane: SidecarTerminal, cli: Cli, number: int) -> None:
    await pane.is_("asking", 60)
    await pane.shows(cli.dialog)
    await _approved(pane, cli)
    if cli.further_dialog:
        await pane.shows(cli.further_dialog)
        pane.type("\r")
    await pane.reaches(number, "answered", 60)
    if cli.further_dialog:  # its model gets what was printed with the next prompt
        await pane.reaches(pane.room.say("and now?"), "answered", 60)


async def _approved(pane: SidecarTerminal, cli: Cli) -> None:
    """A fresh dialog may not take keys yet."""
    for _ in range(5):
        pane.type("\r")
        with contextlib.suppress(AssertionError):
            await retry_until(lambda: not cli.shows_dialog(pane.text), 1)
            return
