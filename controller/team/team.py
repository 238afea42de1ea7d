"""What to start: `team.toml`, or what the machine offers. Pure: texts and an environment in, a frozen Team out."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import msgspec

from controller.team.notification_command import unsafe_word
from controller.team.toml_reader import TeamError, TomlSource, TomlTable
from gateway.client.discovery.local_addresses import DEFAULT_PORT
from gateway.client.discovery.team_choice import DEFAULT_TEAM, normalize_team_name
from gateway.protocol.loop_limits import Limits
from gateway.protocol.types import (
    DEFAULT_ROOM,
    SHARE_POLICIES,
    canonical_agent_name,
    canonical_name,
    canonical_room_name,
)

DEFAULT_SESSION = "llm-groupchat"
CHAT_PANE = "chat"

FIRST_CLIS = ("claude", "gemini", "codex")
FURTHER_CLIS = ("opencode", "qwen", "copilot")
RESTART_WORDS = ("never", "crash", "always")
BELL_WORDS = ("mentions", "all", "off")


@dataclass(frozen=True)
class AgentSpec:
    """`agent` says which one it is where the command's name does not. With `interrupt` what is urgent ends its turn
    first."""

    name: str
    command: tuple[str, ...]
    role: str = ""
    agent: str = ""
    project: str = "."
    env: tuple[tuple[str, str], ...] = ()
    prompt: str = ""
    share: str = ""
    restart: str = "crash"
    interrupt: bool = False


@dataclass(frozen=True)
class RoomSpec:
    name: str
    topic: str = ""
    invite_only: bool = False


@dataclass(frozen=True)
class GatewaySpec:
    """`url` names a gateway that runs elsewhere; then none is started. `modes` is the folder of the team's modes.
    `chosen`: the file says where, and so the variables do not."""

    port: int = DEFAULT_PORT
    url: str = ""
    chosen: bool = False
    rate: float = 50
    burst: float = 100
    limits: Limits = field(default_factory=Limits)
    modes: str = ""


@dataclass(frozen=True)
class LayoutSpec:
    """How much of the height the chat takes, and how many agents stand side by side."""

    chat: int = 45
    columns: int = 4
    mouse: bool = False


@dataclass(frozen=True)
class ChatSpec:
    bell: str = "mentions"
    notify: tuple[str, ...] = ()
    mouse: bool = False


@dataclass(frozen=True)
class Team:
    """`file`: where its team file is, if it has one."""

    name: str = DEFAULT_TEAM
    agents: tuple[AgentSpec, ...] = ()
    rooms: tuple[RoomSpec, ...] = ()
    gateway: GatewaySpec = field(default_factory=GatewaySpec)
    layout: LayoutSpec = field(default_factory=LayoutSpec)
    chat: ChatSpec = field(default_factory=ChatSpec)
    ready_within: float = 60
    strict: bool = False
    file: str = ""

    @property
    def session(self) -> str:
        return DEFAULT_SESSION if self.name == DEFAULT_TEAM else f"{DEFAULT_SESSION}-{self.name}"


def with_interrupt(team: Team) -> Team:
    """Each agent's turn is ended first by what is urgent."""
    return replace(team, agents=tuple(replace(one, interrupt=True) for one in team.agents))


def demo_agents(python: str) -> tuple[AgentSpec, ...]:
    """Three agents without a model, so that everything can be tried on any machine."""
    command = (python, "-P", "-m", "sidecar.demo_agent")
    return tuple(
        AgentSpec(name, command, role) for name, role in (("ada", "coder"), ("ben", "reviewer"), ("cleo", "tester"))
    )


# from a file


def parse_team(text: str, name: str = "team.toml") -> Team:
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        where = f", line {place[1]}" if place else ""
        what = re.sub(r" \(at .*\)$", "", str(error))
        raise TeamError(f"{name}{where}: this is not TOML: {what}. Texts stand in quotes.") from None
    top = TomlTable(TomlSource.of(name, text), values)
    team = Team(
        name=top.checked("name", normalize_team_name) or DEFAULT_TEAM,
        agents=tuple(_parse_agent(one) for one in top.tables("agents")),
        rooms=tuple(_parse_room(one) for one in top.tables("rooms")),
        gateway=_parse_gateway(top.table("gateway"), top.table("limits")),
        layout=_parse_layout(top.table("layout")),
        chat=_parse_chat(top.table("chat")),
        ready_within=top.number_in("ready_within", 1, 3600, 60),
    )
    top.done()
    _check_unique_names(top, [agent.name for agent in team.agents])
    return team


def _parse_agent(table: TomlTable) -> AgentSpec:
    name = table.checked("name", canonical_agent_name)
    if not name:
        raise table.wrong("name", 'each [[agents]] needs a name, such as name = "claude".')
    if name == CHAT_PANE:
        raise table.wrong("name", f"{CHAT_PANE!r} is the chat's own pane; choose another name.")
    agent = AgentSpec(
        name=name,
        command=table.words("command", (name,)),
        role=table.checked("role", canonical_name),
        agent=table.checked("agent", canonical_name),
        project=table.text("project", "."),
        env=table.pairs("env"),
        prompt=table.text("prompt"),
        share=table.one_of("share", SHARE_POLICIES, "replies") if "share" in table.values else table.text("share"),
        restart=table.one_of("restart", RESTART_WORDS, "crash"),
        interrupt=table.flag("interrupt", False),
    )
    table.done()
    return agent


def _parse_room(table: TomlTable) -> RoomSpec:
    room = RoomSpec(
        table.checked("name", canonical_room_name, DEFAULT_ROOM), table.text("topic"), table.flag("invite_only", False)
    )
    table.done()
    return room


def _parse_gateway(table: TomlTable, limits: TomlTable) -> GatewaySpec:
    gateway = GatewaySpec(
        port=int(table.number_in("port", 0, 65535, DEFAULT_PORT)),
        url=table.text("url"),
        chosen=bool({"port", "url"} & set(table.values)),
        rate=limits.number_in("messages_a_second", 0, 100_000, 50),
        burst=limits.number_in("at_once", 1, 100_000, 100),
        limits=_parse_limits(limits),
    )
    table.done()
    limits.done()
    return gateway


def _parse_limits(table: TomlTable) -> Limits:
    """Under the names that `groupchat serve` and `groupchat status` know them by."""
    defaults = msgspec.to_builtins(Limits())
    return Limits(**{name: int(table.number_in(name, 0, 1_000_000_000, default)) for name, default in defaults.items()})


def _parse_layout(table: TomlTable) -> LayoutSpec:
    layout = LayoutSpec(
        chat=int(table.number_in("chat", 15, 85, 45)),
        columns=int(table.number_in("columns", 1, 12, 4)),
        mouse=table.flag("mouse"),
    )
    table.done()
    return layout


def _parse_chat(table: TomlTable) -> ChatSpec:
    notify = table.words("notify")
    if (word := unsafe_word(notify)) is not None:
        raise table.wrong(
            "notify",
            f"{word!r} would put what members write into other text, where a program could take it for a command. "
            "{from} and {text} must each be a word of its own, or the value of an option such as --body={text}.",
        )
    chat = ChatSpec(bell=table.one_of("bell", BELL_WORDS, "mentions"), notify=notify, mouse=table.flag("mouse"))
    table.done()
    return chat


def _check_unique_names(top: TomlTable, names: list[str]) -> None:
    for number, name in enumerate(names):
        if name in names[:number]:
            place = TomlTable(top.source, {}, "agents", number)
            raise place.wrong("name", f"there are two agents called {name!r}; each needs a name of its own.")


# without a file: the machine, and the specification's variables


@dataclass(frozen=True)
class TeamOptions:
    """What the options of `up` say beside the team file."""

    demo: bool = False
    port: int | None = None
    python: str = "python3"


def build_team_spec(
    env: Mapping[str, str], wish: TeamOptions, installed: Callable[[str], bool], file: Team | None = None
) -> Team:
    """The options before the file, the file before the variables, the variables before the machine."""
    team = file or Team()
    if wish.demo:
        team = replace(team, agents=demo_agents(wish.python))
    elif not team.agents:
        team = replace(team, agents=installed_agents(env, installed) or demo_agents(wish.python))
    gateway = team.gateway
    if not gateway.chosen:
        gateway = replace(gateway, port=_choose_port(env, file), url=env.get("CSP_GATEWAY_URL", ""))
    if wish.port is not None:
        gateway = replace(gateway, port=wish.port)
    return replace(team, gateway=gateway, strict=_is_true(env.get("CSP_STRICT_CLI_CHECK")))


def installed_agents(env: Mapping[str, str], installed: Callable[[str], bool]) -> tuple[AgentSpec, ...]:
    """The first family of CLIs that is here, each as its user would start it, and those the variables name."""
    first = [one for name in FIRST_CLIS if (one := _agent_from_variable(env, name, installed))]
    found = first or [AgentSpec(name, (name,)) for name in FURTHER_CLIS if installed(name)]
    if _is_true(env.get("CSP_ORCHESTRATOR")):
        command = _words_from_variable(env, "CSP_ORCH_CMD") or (found[0].command if found else ())
        if command:
            found.append(AgentSpec("orchestrator", command, "orchestrator"))
    return tuple(found)


def _agent_from_variable(env: Mapping[str, str], name: str, installed: Callable[[str], bool]) -> AgentSpec | None:
    command = _words_from_variable(env, f"CSP_{name.upper()}_CMD") or ((name,) if installed(name) else ())
    return AgentSpec(name, command) if command else None


def _words_from_variable(env: Mapping[str, str], variable: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(env.get(variable, "")))
    except ValueError as error:
        raise TeamError(f"{variable} cannot be parsed as a command: {error}.") from None


def _choose_port(env: Mapping[str, str], file: Team | None) -> int:
    """Another team than the default one takes any free port, unless it is told otherwise."""
    text = env.get("CSP_PORT")
    if not text:
        return 0 if file is not None and file.name != DEFAULT_TEAM else DEFAULT_PORT
    if not text.isdecimal() or int(text) > 65535:
        raise TeamError(f"CSP_PORT must be a port from 0 to 65535, not {text!r}.")
    return int(text)


def _is_true(text: str | None) -> bool:
    return (text or "").strip().lower() in ("1", "true", "yes", "on")


_SETTING = re.compile(r"(?:export\s+)?(CSP_[A-Z_]+)=(.*)")


def parse_settings(text: str, name: str) -> dict[str, str]:
    """The specification's CSP_CONFIG_FILE: NAME=value lines. They are read, never run by a shell."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        match = _SETTING.fullmatch(bare)
        try:
            words = shlex.split(match[2], comments=True) if match else None
        except ValueError:
            words = None
        if match is None or words is None:
            raise TeamError(f'{name}, line {number}: expected CSP_NAME="value", found {bare[:60]!r}.')
        found[match[1]] = words[0] if len(words) == 1 else " ".join(words)
    return found
