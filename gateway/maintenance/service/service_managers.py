"""The service managers: systemd's manager of the user, and launchd. Each is asked by its own command."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import msgspec

from gateway.maintenance.service.service_files import GatewayService, launchd_list, systemd_unit
from gateway.protocol.errors import Unavailable

CALL_TIMEOUT_S = 30.0
NO_LINGER = "It ends when you log out; `loginctl enable-linger` keeps it up from boot to shutdown."


class ManagerState(msgspec.Struct, frozen=True):
    """What a manager says of one service. `state` is its own word, such as `active` or `failed`."""

    file: str
    installed: bool
    starts_by_itself: bool = False
    state: str = ""
    note: str = ""


class ServiceManager(Protocol):
    def text(self, service: GatewayService) -> str: ...
    def install(self, service: GatewayService) -> str:
        """Write the file and start the service. Returns what the user must know, or nothing."""
        ...

    def uninstall(self, service: GatewayService) -> bool:
        """End the service and remove its file. Whether there was one."""
        ...

    def state(self, service: GatewayService) -> ManagerState: ...


def manager_of_system(env: Mapping[str, str], home: Path, system: str = sys.platform) -> ServiceManager:
    if system == "darwin":
        return Launchd(home / "Library" / "LaunchAgents", os.getuid())
    return Systemd(Path(env.get("XDG_CONFIG_HOME") or home / ".config") / "systemd" / "user")


def _call(*words: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(words, capture_output=True, text=True, timeout=CALL_TIMEOUT_S, check=False)
    except FileNotFoundError as error:
        raise Unavailable(f"There is no {words[0]} here. {OTHER_MANAGERS}") from error
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"`{' '.join(words)}` does not answer.") from error


def _call_or_fail(*words: str) -> None:
    done = _call(*words)
    if done.returncode:
        raise Unavailable(f"`{' '.join(words)}` failed: {done.stderr.strip() or f'exit {done.returncode}'}")


OTHER_MANAGERS = "Any other service manager can run `groupchat serve`; `groupchat service show` prints what it needs."


class Systemd:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def text(self, service: GatewayService) -> str:
        return systemd_unit(service)

    def _file(self, service: GatewayService) -> Path:
        return self._folder / f"{service.name}.service"

    def install(self, service: GatewayService) -> str:
        self._require_manager(service)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._file(service).write_text(self.text(service), encoding="utf-8")
        _call_or_fail("systemctl", "--user", "daemon-reload")
        _call_or_fail("systemctl", "--user", "enable", "--quiet", self._file(service).name)
        _call_or_fail("systemctl", "--user", "restart", self._file(service).name)
        return "" if self._lingers() else NO_LINGER

    def uninstall(self, service: GatewayService) -> bool:
        file = self._file(service)
        if not file.exists():
            return False
        self._require_manager(service)
        _call_or_fail("systemctl", "--user", "disable", "--quiet", "--now", file.name)
        file.unlink()
        _call_or_fail("systemctl", "--user", "daemon-reload")
        _call("systemctl", "--user", "reset-failed", file.name)  # fails if there is nothing to forget
        return True

    def state(self, service: GatewayService) -> ManagerState:
        file = self._file(service)
        if not file.exists():
            return ManagerState(str(file), installed=False)
        self._require_manager(service)
        enabled = _call("systemctl", "--user", "is-enabled", file.name).stdout.strip() == "enabled"
        active = _call("systemctl", "--user", "is-active", file.name).stdout.strip()
        note = "" if self._lingers() else NO_LINGER
        return ManagerState(str(file), installed=True, starts_by_itself=enabled, state=active, note=note)

    def _require_manager(self, service: GatewayService) -> None:
        done = _call("systemctl", "--user", "show-environment")
        if done.returncode:
            why = done.stderr.strip() or f"exit {done.returncode}"
            raise Unavailable(
                f"systemd manages no services of yours here ({why}), so it cannot run the gateway of {service.state}. "
                f"{OTHER_MANAGERS}"
            )

    def _lingers(self) -> bool:
        """Whether the user's services run without a login. Unknown counts as yes: a wrong warning helps nobody."""
        if shutil.which("loginctl") is None:
            return True
        done = _call("loginctl", "show-user", str(os.getuid()), "--property=Linger", "--value")
        return done.stdout.strip() != "no"


class Launchd:
    def __init__(self, folder: Path, user: int) -> None:
        self._folder, self._domain = folder, f"gui/{user}"

    def text(self, service: GatewayService) -> str:
        return launchd_list(service).decode()

    def _file(self, service: GatewayService) -> Path:
        return self._folder / f"{service.name}.plist"

    def install(self, service: GatewayService) -> str:
        self._folder.mkdir(parents=True, exist_ok=True)
        if self._file(service).exists():
            _call("launchctl", "bootout", f"{self._domain}/{service.name}")  # fails if it is not loaded
        self._file(service).write_text(self.text(service), encoding="utf-8")
        _call_or_fail("launchctl", "bootstrap", self._domain, str(self._file(service)))
        return "It ends when you log out."

    def uninstall(self, service: GatewayService) -> bool:
        file = self._file(service)
        if not file.exists():
            return False
        _call("launchctl", "bootout", f"{self._domain}/{service.name}")
        file.unlink()
        return True

    def state(self, service: GatewayService) -> ManagerState:
        file = self._file(service)
        if not file.exists():
            return ManagerState(str(file), installed=False)
        found = _call("launchctl", "print", f"{self._domain}/{service.name}")
        state = ""
        with contextlib.suppress(StopIteration):
            state = next(
                line.partition("=")[2].strip()
                for line in found.stdout.splitlines()
                if line.strip().startswith("state =")
            )
        return ManagerState(str(file), installed=True, starts_by_itself=found.returncode == 0, state=state)
