"""The rule files of one agent: loaded once and read again after a change. If a new version is broken, the last good one
stays.

A file of the user, `rules/<agent>.toml` in the state folder, takes precedence over ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from gateway.client import state_folder
from sidecar.errors import BadRules
from sidecar.rules_file.file_format import RulesTables
from sidecar.rules_file.linting import RulesFault, lint_rules, read_unchecked
from sidecar.screen.compiled_rules import compile_rules, rules_that_recognise_nothing
from sidecar.screen.rules import ScreenRules

FileStamps = tuple[tuple[int, int] | None, ...]
MAX_SHOWN_FAULTS = 3


def built_in_rules_file(agent: str) -> Path:
    return Path(str(files("sidecar.agents"))) / "rules" / f"{agent}.toml"


def _is_own_file(path: Path) -> bool:
    return path == built_in_rules_file(path.stem)


def overriding_rules_file(agent: str, env: Mapping[str, str]) -> Path:
    return state_folder(env) / "rules" / f"{agent}.toml"


class RulesLoader:
    """The first of `paths` that exists and can be used. `problem` is a sentence about a file that cannot."""

    def __init__(self, paths: Sequence[Path], good: ScreenRules) -> None:
        self._paths = tuple(paths)
        self._stamp: FileStamps | None = None
        self._built_in = good if good.account is None else None
        self.rules = good
        self.problem = ""
        self.refresh()

    @classmethod
    def of(cls, good: ScreenRules, env: Mapping[str, str]) -> RulesLoader:
        """Rules that come from a file of the user are read from that file alone."""
        if good.account is not None:
            return cls((Path(good.origin),), good)
        return cls((overriding_rules_file(good.agent, env), built_in_rules_file(good.agent)), good)

    def refresh(self) -> bool:
        """Return whether the rules have changed. Costs one stat per file if nothing has changed."""
        stamp = tuple(_file_stamp(path) for path in self._paths)
        if stamp == self._stamp:
            return False
        self._stamp, before = stamp, self.rules.digest
        path = next((path for path, one in zip(self._paths, stamp, strict=True) if one), None)
        if path is not None:
            self.problem = ""
            self._take(path)
        return self.rules.digest != before

    def _take(self, path: Path) -> None:
        try:
            self.rules = load_own_file(path) if _is_own_file(path) else load_rules(read_rules_text(path), str(path))
        except BadRules as error:
            if self.rules.distrusted:
                self.problem = f"{error} Its state stays unknown, and nothing is typed, until the file is mended."
            else:
                self.problem = f"{error} The last good ones stay in force ({self.rules.origin}, {self.rules.digest})."

    def distrust_slow(self) -> bool:
        """If an expression took too long, its file counts no more until it changes. Return whether that is so."""
        account = self.rules.account
        if account is None or not account.problem:
            return False
        origin = self.rules.origin
        self.rules = self._built_in or rules_that_recognise_nothing(self.rules.agent, origin)
        instead = "Ours are in force" if self._built_in else "Its state is unknown, and nothing is typed"
        self.problem = (
            f"The rules in {origin} are not used: {account.problem}. {instead} until the file is mended; "
            f"`groupchat rules check {origin}` tells more."
        )
        return True


def _file_stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def read_rules_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadRules(f"The rules in {path} cannot be read: {error}.") from error


def load_own_file(path: Path) -> ScreenRules:
    """A file of this package: the tests have linted it."""
    text = read_rules_text(path)
    return compile_rules(read_unchecked(text), text, str(path), bounded=False)


def load_rules(text: str, name: str = "rules") -> ScreenRules:
    """The rules of a user's file."""
    return compile_rules(lint_or_refuse(text, name), text, name, bounded=True)


def lint_or_refuse(text: str, name: str) -> RulesTables:
    linted = lint_rules(text, name)
    if linted.tables is None:
        raise BadRules(f"The rules in {name} cannot be used: {shown_faults(linted.faults)}")
    return linted.tables


def shown_faults(faults: Sequence[RulesFault]) -> str:
    """The first faults in one sentence each."""
    shown = [f"line {one.line}: {one.problem}" if one.line else one.problem for one in faults[:MAX_SHOWN_FAULTS]]
    more = len(faults) - len(shown)
    return " ".join(shown) + (f" And {more} more; `groupchat rules check` lists them." if more else "")
