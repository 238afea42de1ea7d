"""`groupchat service` with a real gateway. Only systemd's manager, which needs a machine that it has booted, is played:
by a program that runs the command of the unit as systemd does, and keeps its children's numbers in files."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.client.discovery.running_gateway import has_live_gateway, read_live_gateway
from tests.fakes.retry import retry_until
from tests.support.commands import Groupchat
from tests.support.gateways import GatewayProcess

SYSTEMCTL = f"""#!{sys.executable}
import os, pathlib, re, select, signal, subprocess, sys

here = pathlib.Path(__file__).parent
with open(here / "calls", "a") as calls:
    calls.write(" ".join(sys.argv[1:]) + "\\n")
if (here / "no manager").exists():
    sys.exit("Failed to connect to bus: No medium found")
words = [one for one in sys.argv[2:] if not one.startswith("-")]
verb, unit = words[0], (words + [""])[1]
pid, enabled = here / f"{{unit}}.pid", here / f"{{unit}}.enabled"


def end():
    if pid.exists():
        number = int(pid.read_text())
        handle = os.pidfd_open(number)
        os.kill(number, signal.SIGTERM)
        select.select([handle], [], [], 60)  # until it has ended, as systemd waits: it holds the lock of its folder
        pid.unlink()


if verb == "enable":
    enabled.touch()
elif verb == "restart":
    end()
    folder = pathlib.Path(os.environ["XDG_CONFIG_HOME"]) / "systemd" / "user"
    line = re.search("^ExecStart=(.*)$", (folder / unit).read_text(), re.MULTILINE)[1]
    command = [one.replace("%%", "%").replace("$$", "$") for one in re.findall(r'"([^"]*)"', line)]
    quiet = dict(stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    env = {{"HOME": os.environ["HOME"], "PATH": os.environ["PATH"]}}
    pid.write_text(str(subprocess.Popen(command, start_new_session=True, cwd="/", env=env, **quiet).pid))
elif verb == "disable":
    end()
    enabled.unlink(missing_ok=True)
elif verb == "is-enabled":
    print("enabled" if enabled.exists() else "disabled")
elif verb == "is-active":
    print("active" if pid.exists() else "inactive")
"""


class Machine:
    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.programs, self.state = folder / "programs", folder / "my state"
        self.programs.mkdir()
        for name, text in (("systemctl", SYSTEMCTL), ("loginctl", "#!/bin/sh\necho no\n")):
            (self.programs / name).write_text(text)
            (self.programs / name).chmod(0o755)
        monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        monkeypatch.setenv("PATH", f"{self.programs}:/usr/bin:/bin")
        self.groupchat = Groupchat(self.state, quick=True)

    @property
    def units(self) -> list[str]:
        return sorted(one.name for one in (self.state.parent / "config").rglob("*.service"))


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    running = Machine(tmp_path, monkeypatch)
    yield running
    running.groupchat("service", "uninstall")


async def test_the_service_runs_a_gateway_from_install_to_uninstall(machine: Machine) -> None:
    done = machine.groupchat("service", "install", "--", "--port", "0")
    assert (done.code, "runs as a service" in done.out, "enable-linger" in done.out) == (0, True, True), done
    first = read_live_gateway(machine.state)
    assert first is not None and first.url in done.out
    assert machine.groupchat("send", "kept").code == 0

    status = machine.groupchat("service", "status")
    assert status.code == 0
    assert all(one in status.out for one in ("active", "starts by itself", "yes", first.url)), status.out

    again = machine.groupchat("service", "install", "--json", "--", "--port", "0")
    assert again.code == 0 and again.json["pid"] != first.pid, "installed once more, it runs with the new options"
    assert "kept" in machine.groupchat("history").out

    ended = machine.groupchat("service", "uninstall")
    assert (ended.code, machine.units) == (0, [])
    await retry_until(lambda: not has_live_gateway(machine.state))
    status = machine.groupchat("service", "status", "--json")
    assert (status.code, status.json["service"]["installed"], status.json["url"]) == (1, False, None)
    assert "has no service" in machine.groupchat("service", "uninstall").out


def test_a_gateway_that_runs_already_is_left_alone(machine: Machine) -> None:
    with GatewayProcess(machine.state).running():
        refused = machine.groupchat("service", "install")
    assert refused.code == 1 and "not as a service" in refused.err
    assert machine.units == []


def test_without_a_manager_nothing_is_written(machine: Machine) -> None:
    (machine.programs / "no manager").touch()
    refused = machine.groupchat("service", "install")
    assert refused.code == 1
    assert "manages no services" in refused.err and "groupchat service show" in refused.err
    assert machine.units == []
    assert "ExecStart=" in machine.groupchat("service", "show").out
