"""Decides what to start, from `team.toml` or from the programs on this machine. Pure: texts and an environment in, a
frozen Team out."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

import msgspec

from controller.team.notification_command import unsafe_word
from controller.team.toml_reader import TeamError, TomlTable
from gateway.client.discovery.local_defaults import DEFAULT_PORT
from gateway.client.discovery.team_choice import DEFAULT_TEAM, normalize_team_name
from gateway.client.known_agents import Offer, agents_offered
from gateway.files.toml_line_numbers import TomlSource
from gateway.protocol.errors import BadRequest
from gateway.protocol.types.core_types import (
    DEFAULT_ROOM,
    SHARE_POLICIES,
    canonical_agent_name,
    canonical_name,
    canonical_room_name,
)
from gateway.protocol.types.loop_limits import Limits

DEFAULT_SESSION = "llm-groupchat"
CHAT_PANE = "chat"
MIN_CHAT_PERCENT = 15

FIRST_CLIS, FURTHER_CLIS = agents_offered(Offer.FIRST), agents_offered(Offer.FURTHER)
RESTART_WORDS = ("never", "crash", "always")
ON_LIMIT_WORDS = ("hold", "resume")
BELL_WORDS = ("mentions", "all", "off")


@dataclass(frozen=True)
class AgentSpec:
    """`agent` names the vendor if the command's name does not. With `interrupt`, an urgent message ends its turn
    first. `rooms`: those that it is in beside the default room. `on_limit`: after a usage limit it waits for a person,
    or goes on. `connector`: it has no program of its own; these are the options of `groupchat connect`."""

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
    rooms: tuple[str, ...] = ()
    on_limit: str = "hold"
    connector: tuple[str, ...] = ()


@dataclass(frozen=True)
class RoomSpec:
    """`members`: the agents that are in it, beside those that name it in their `rooms`."""

    name: str
    topic: str = ""
    invite_only: bool = False
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class GatewaySpec:
    """`url` names a gateway that runs elsewhere; then none is started. `modes` is the folder of the team's modes.
    `chosen`: the file sets the address, so the variables are ignored."""

    port: int = DEFAULT_PORT
    url: str = ""
    chosen: bool = False
    rate: float = 50
    burst: float = 100
    limits: Limits = field(default_factory=Limits)
    modes: str = ""


class AgentPlaces(StrEnum):
    """Where agents are: in panes below the chat, or each in a tmux window of its own. `auto`: by the window's size."""

    AUTO = "auto"
    PANES = "panes"
    WINDOWS = "windows"


@dataclass(frozen=True)
class LayoutSpec:
    """The chat's share of the height in percent, or 0 for what the window's size allows; the number of agents side by
    side; where the agents are."""

    chat: int = 0
    columns: int = 4
    mouse: bool = False
    agents: AgentPlaces = AgentPlaces.AUTO


@dataclass(frozen=True)
class ChatSpec:
    bell: str = "mentions"
    notify: tuple[str, ...] = ()
    mouse: bool = False


@dataclass(frozen=True)
class Team:
    """`file`: where its team file is, if it has one. With `encryption`, each agent gets a key when the team starts."""

    name: str = DEFAULT_TEAM
    agents: tuple[AgentSpec, ...] = ()
    rooms: tuple[RoomSpec, ...] = ()
    gateway: GatewaySpec = field(default_factory=GatewaySpec)
    layout: LayoutSpec = field(default_factory=LayoutSpec)
    chat: ChatSpec = field(default_factory=ChatSpec)
    ready_within: float = 60
    strict: bool = False
    file: str = ""
    encryption: bool = False

    @property
    def session(self) -> str:
        return DEFAULT_SESSION if self.name == DEFAULT_TEAM else f"{DEFAULT_SESSION}-{self.name}"


def with_interrupt(team: Team) -> Team:
    """The team in which an urgent message ends each agent's turn first."""
    return replace(team, agents=tuple(replace(one, interrupt=True) for one in team.agents))


def demo_agents(python: str) -> tuple[AgentSpec, ...]:
    """Three agents without a model, which run on any machine."""
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
        encryption=top.flag("encryption", False),
    )
    top.done()
    _check_unique_names(top, "agents", [agent.name for agent in team.agents])
    _check_unique_names(top, "rooms", [room.name for room in team.rooms])
    _check_names_of_rooms(top, team)
    return team


def _agent_kind(text: str) -> str:
    """A file would be looked for from the folder of the process, and could take the place of rules of ours."""
    if text.endswith(".toml"):
        raise BadRequest(f"{text!r} is a file; the name of an agent goes here: {text.removesuffix('.toml')!r}.")
    return canonical_name(text)


def _parse_connector(table: TomlTable) -> tuple[str, ...]:
    """The options of `groupchat connect`. They are shown to whoever is asked whether the file may be used."""
    to = table.text("connector")
    words = ("--to", to) if to else ()
    for key in ("model", "base_url", "system", "key_file"):
        if value := table.text(key):
            words = (*words, f"--{key.replace('_', '-')}", value)
    for key in ("budget", "answer_tokens"):
        if number := int(table.number_in(key, 0, 10_000_000, 0)):
            words = (*words, f"--{key.replace('_', '-')}", str(number))
    if to and table.values.get("command"):
        raise table.wrong("connector", "an agent has a `command` or a `connector`, not both.")
    if words and not to:
        raise table.wrong("name", f'{words[0][2:]!r} is for agents with a `connector`, such as connector = "openai".')
    return words


def _parse_agent(table: TomlTable) -> AgentSpec:
    name = table.checked("name", canonical_agent_name)
    connector = _parse_connector(table)
    own = ("groupchat", "connect", name, *connector) if connector else (name,)
    agent = AgentSpec(
        name=name,
        command=table.words("command", own),
        connector=connector,
        role=table.checked("role", canonical_name),
        agent=table.checked("agent", _agent_kind),
        project=table.text("project", "."),
        env=table.pairs("env"),
        prompt=table.text("prompt"),
        share=table.one_of("share", SHARE_POLICIES, "replies") if "share" in table.values else table.text("share"),
        restart=table.one_of("restart", RESTART_WORDS, "crash"),
        interrupt=table.flag("interrupt", False),
        on_limit=table.one_of("on_limit", ON_LIMIT_WORDS, "hold"),
        rooms=table.names("rooms", canonical_room_name),
    )
    table.done()
    if not name:
        raise table.wrong("name", 'each [[agents]] needs a name, such as name = "claude".')
    if name == CHAT_PANE:
        raise table.wrong("name", f"{CHAT_PANE!r} is the chat's own pane; choose another name.")
    return agent


def _parse_room(table: TomlTable) -> RoomSpec:
    room = RoomSpec(
        table.checked("name", canonical_room_name, DEFAULT_ROOM),
        table.text("topic"),
        table.flag("invite_only", False),
        table.names("members", canonical_agent_name),
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
    """The limits, by the names that `groupchat serve` and `groupchat status` use."""
    defaults = msgspec.to_builtins(Limits())
    return Limits(**{name: int(table.number_in(name, 0, 1_000_000_000, default)) for name, default in defaults.items()})


def _parse_layout(table: TomlTable) -> LayoutSpec:
    least = 0 if table.values.get("chat") == 0 else MIN_CHAT_PERCENT  # 0: by the window's size
    layout = LayoutSpec(
        chat=int(table.number_in("chat", least, 85, 0)),
        columns=int(table.number_in("columns", 1, 12, 4)),
        mouse=table.flag("mouse"),
        agents=AgentPlaces(table.one_of("agents", tuple(AgentPlaces), AgentPlaces.AUTO)),
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


def _check_unique_names(top: TomlTable, table: str, names: list[str]) -> None:
    for number, name in enumerate(names):
        if name in names[:number]:
            place = TomlTable(top.source, {}, table, number)
            raise place.wrong("name", f"there are two {table} called {name!r}; each needs a name of its own.")


def _check_names_of_rooms(top: TomlTable, team: Team) -> None:
    """Without [[agents]], which agents there are is known only when the team starts."""
    rooms = [DEFAULT_ROOM, *(room.name for room in team.rooms)]
    for number, agent in enumerate(team.agents):
        TomlTable(top.source, {}, "agents", number).known_names("rooms", agent.rooms, rooms, "room")
    names = [agent.name for agent in team.agents]
    for number, room in enumerate(team.rooms if names else ()):
        TomlTable(top.source, {}, "rooms", number).known_names("members", room.members, names, "agent")


# without a file: the machine, and the specification's variables


@dataclass(frozen=True)
class TeamOptions:
    """The options of `up` that add to the team file."""

    demo: bool = False
    port: int | None = None
    python: str = "python3"


def build_team_spec(
    env: Mapping[str, str], wish: TeamOptions, installed: Callable[[str], bool], file: Team | None = None
) -> Team:
    """Combine the sources. Options override the file, the file overrides the variables, the variables override the
    machine."""
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
    """The first group of CLIs of which any is installed, each with its default command, and those that variables
    name."""
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
    """A team other than the default one uses any free port unless a port is set."""
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
