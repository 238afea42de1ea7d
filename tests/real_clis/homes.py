"""For each real CLI a private home in which it starts without onboarding, talks to a loopback model, and has only dummy
keys. Only PATH of the caller's environment is passed on."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.fakes.models.aider_chat import AiderChat
from tests.fakes.models.anthropic import Anthropic
from tests.fakes.models.gemini import Gemini
from tests.fakes.models.openai import OpenAI
from tests.fakes.models.openai_chat import OpenAIChat
from tests.fakes.models.script import Dialect, ToolCall
from tests.fakes.terminal import EITHER
from tests.real_clis.releases import MODULES, PACKAGES, chosen_release, release_and_program


@dataclass(frozen=True, slots=True)
class Place:
    """The home, working folder and model of one CLI."""

    home: Path
    work: Path
    model: str


@dataclass(frozen=True, slots=True)
class Launch:
    argv: tuple[str, ...]
    env: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Cli:
    """`ready` is on the screen when the composer takes text. `tool` is a call that it asks its user about, which shows
    `dialog`. `asks` are patterns of hosts that it requests whatever its settings; these requests are refused.
    `asks_within` is how many seconds it may take from an Enter to its request, before a person would press it again.
    `warms_up`: its first prompt takes it half a minute of computing, so a test begins after one.
    `titles` are the signs in its title while it works and while it asks, if it prints so long after the model's last
    byte that its title tells better when a turn is over.
    `prints`: what it has asked stays on the screen, above what it says then.
    `continues`: what a tool did goes to its model at once; otherwise its turn ends with the tool, and
    `further_dialog` is what it asks about what a command has printed.
    `progress`: its progress for the terminal (OSC 9;4) tells so, for the same reason; its dialogs count when drawn.
    `status`: its status file tells so, likewise.
    `answers_by`: which of its hooks and its transcript tells the exact answer of a turn.
    `draws_late`: its dialogs count when drawn, because it draws them a second after the call, and works until then."""

    name: str
    version: str
    program: Path
    ready: str
    dialect: Callable[[], Dialect]
    launch: Callable[[Place, Path], Launch]
    tool: ToolCall
    dialog: str
    asks: frozenset[str] = frozenset()
    asks_within: float = 3.0
    warms_up: bool = False
    titles: str = ""
    progress: bool = False
    draws_late: bool = False
    continues: bool = True
    further_dialog: str = ""
    prints: bool = False
    status: bool = False
    answers_by: str = "hook"  # or "transcript"

    @property
    def agent(self) -> str:
        """Its adapter, whatever its version."""
        return self.name.partition("-")[0]

    def shows_dialog(self, screen: str) -> bool:
        rows = [row for row in screen.splitlines() if row.strip()]
        return self.dialog in ("".join(rows[-1:]) if self.prints else screen)

    @property
    def tells_when_over(self) -> bool:
        """By something beside its screen and title."""
        return self.progress or self.status

    def calling(self, command: str) -> ToolCall:
        """The call that it asks its user about, with another command."""
        given: dict[str, object] = {"command": command}
        if self.agent == "codex":
            given = {"cmd": command}
        elif self.agent == "cline":
            given = {"commands": [command]}
        return ToolCall(self.tool.name, {**self.tool.arguments, **given})

    @property
    def missing(self) -> str:
        """Why it cannot run here, or nothing."""
        package = PACKAGES.get(self.agent)
        if shutil.which("node") is None and not (package and package.python):
            return "node is not installed"
        by_default = package is not None and package.default_run
        how = "npm ci in tests/real_clis" if by_default else f"bin/prove-clis {self.name}"
        return "" if self.program.exists() else f"{self.name} is not installed: {how}"


def base_env(place: Place) -> dict[str, str]:
    return {
        "HOME": str(place.home),
        "PATH": os.environ.get("PATH", os.defpath),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
        "NO_BROWSER": "1",
    }


def _claude(place: Place, program: Path) -> Launch:
    key = "sk-ant-dummy-0000-0000-0000-0000"
    _write_json(
        place.home / ".claude.json",
        {
            "hasCompletedOnboarding": True,
            "customApiKeyResponses": {"approved": [key[-20:]], "rejected": []},
            "projects": {str(place.work): {"hasTrustDialogAccepted": True}},
        },
    )
    silent = ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "CLAUDE_CODE_DISABLE_OFFICIAL_MARKETPLACE_AUTOINSTALL")
    quiet = ("DISABLE_AUTOUPDATER", "DISABLE_TELEMETRY", "DISABLE_ERROR_REPORTING")
    env = {"ANTHROPIC_API_KEY": key, "ANTHROPIC_BASE_URL": place.model} | dict.fromkeys([*silent, *quiet], "1")
    settings = json.dumps({"permissions": {"defaultMode": "default"}})
    return Launch((str(program), "--settings", settings), base_env(place) | env)


def claude_with_subscription(place: Place, program: Path) -> Launch:
    """Its limits have names and ends only for subscribers, who have a token in place of a key."""
    launch = _claude(place, program)
    env = {name: value for name, value in launch.env.items() if name != "ANTHROPIC_API_KEY"}
    return Launch(launch.argv, {**env, "CLAUDE_CODE_OAUTH_TOKEN": "sk-ant-oat01-dummy-0000-0000"})


def _gemini(place: Place, program: Path) -> Launch:
    _write_json(
        place.home / ".gemini" / "settings.json",
        {
            "general": {
                "enableAutoUpdate": False,
                "enableAutoUpdateNotification": False,
                "sessionRetention": {"enabled": False},
            },
            "privacy": {"usageStatisticsEnabled": False},
            "telemetry": {"enabled": False},
            "ide": {"hasSeenNudge": True},
            "security": {"auth": {"selectedType": "gemini-api-key"}, "folderTrust": {"enabled": False}},
        },
    )
    env = {"GEMINI_API_KEY": "dummy", "GOOGLE_GEMINI_BASE_URL": place.model}
    return Launch((str(program),), base_env(place) | env)


_CODEX_CONFIG = """\
model = "gpt-5"
model_provider = "fake"
check_for_update_on_startup = false
[analytics]
enabled = false
[features]
daemon_auto_start = false
plugins = false
remote_plugin = false
[tui]
show_tooltips = false
screen_reader_detection_done = true
[model_providers.fake]
name = "fake"
base_url = "{model}/v1"
wire_api = "responses"
env_key = "FAKE_KEY"
requires_openai_auth = false
[projects."{work}"]
trust_level = "trusted"
"""


def _codex(place: Place, program: Path) -> Launch:
    config = place.home / ".codex" / "config.toml"
    config.parent.mkdir(exist_ok=True)
    config.write_text(_CODEX_CONFIG.format(model=place.model, work=place.work))
    env = {"CODEX_HOME": str(config.parent), "FAKE_KEY": "dummy"}
    return Launch((str(program), "--no-daemon"), base_env(place) | env)


def _opencode(place: Place, program: Path) -> Launch:
    options = {"baseURL": f"{place.model}/v1", "apiKey": "dummy"}
    models = {"fake-1": {"name": "Fake One", "limit": {"context": 200_000, "output": 8000}}}
    provider = {"npm": "@ai-sdk/anthropic", "name": "Fake", "options": options, "models": models}
    _write_json(
        place.home / ".config" / "opencode" / "opencode.json",
        {
            "autoupdate": False,
            "share": "disabled",
            "provider": {"fake": provider},
            "enabled_providers": ["fake"],
            "model": "fake/fake-1",
            "small_model": "fake/fake-1",
            "permission": {"bash": "ask", "edit": "ask", "webfetch": "ask"},
        },
    )
    quiet = ("AUTOUPDATE", "MODELS_FETCH", "LSP_DOWNLOAD", "DEFAULT_PLUGINS")
    env = dict.fromkeys((f"OPENCODE_DISABLE_{name}" for name in quiet), "1")
    return Launch((str(program),), base_env(place) | env)


def _qwen(place: Place, program: Path) -> Launch:
    """Its package has the search program without the right to execute it, and what it says of that hides its screen."""
    for search in program.resolve().parent.glob("vendor/ripgrep/*/rg"):
        search.chmod(0o755)
    _write_json(
        place.home / ".qwen" / "settings.json",
        {
            "general": {"enableAutoUpdate": False},
            "privacy": {"usageStatisticsEnabled": False},
            "telemetry": {"enabled": False},
            "security": {"auth": {"selectedType": "openai"}},
            "tools": {"approvalMode": "default"},
            "memory": {"enableManagedAutoMemory": False, "enableManagedAutoDream": False},
            "ui": {"hideTips": True, "enableFollowupSuggestions": False},
        },
    )
    env = {"OPENAI_API_KEY": "dummy", "OPENAI_BASE_URL": f"{place.model}/v1", "OPENAI_MODEL": "fake-1"}
    return Launch((str(program),), base_env(place) | env)


def _copilot(place: Place, program: Path) -> Launch:
    """It unpacks itself at its first start; all homes use the same copy."""
    _write_json(place.home / ".copilot" / "settings.json", {"banner": "never", "showTipsOnStartup": False})
    _write_json(place.home / ".copilot" / "config.json", {"trustedFolders": [str(place.work)]})
    provider = {"BASE_URL": f"{place.model}/v1", "API_KEY": "dummy"}
    env = {
        "COPILOT_OFFLINE": "true",
        "COPILOT_AUTO_UPDATE": "false",
        "COPILOT_MODEL": "fake-1",
        "COPILOT_CACHE_HOME": str(program.parents[3] / "cache"),
        **{f"COPILOT_PROVIDER_{name}": value for name, value in provider.items()},
    }
    return Launch((str(program),), base_env(place) | env)


_PI_GATE = """\
export default function (pi) {
  pi.registerFlag("free", { type: "boolean", default: false })
  pi.on("tool_call", async ({ toolName, input }, ctx) => {
    if (toolName !== "bash" || pi.getFlag("free")) return
    const answer = await ctx.ui.select(`Run this command?\\n\\n${input.command}`, ["Yes", "No"])
    if (answer !== "Yes") return { block: true, reason: "Its user said no." }
  })
}
"""


def _pi(place: Place, program: Path) -> Launch:
    """It asks about nothing by itself; an extension of its user does. Its own node is installed beside it. In a tmux it
    warns about a setting, which it does not do behind a sidecar, where it finds no tmux: so the setting is made."""
    model = {"id": "fake-1", "contextWindow": 200_000, "maxTokens": 8000}
    provider = {"baseUrl": f"{place.model}/v1", "api": "openai-completions", "apiKey": "dummy", "models": [model]}
    agent = place.home / ".pi" / "agent"
    _write_json(agent / "models.json", {"providers": {"fake": provider}})
    _write_json(
        agent / "settings.json",
        {"defaultProvider": "fake", "defaultModel": "fake-1", "enableInstallTelemetry": False},
    )
    gate = agent / "extensions" / "gate.js"
    gate.parent.mkdir(exist_ok=True)
    gate.write_text(_PI_GATE)
    node = next(program.parents[1].glob("node-*/bin/node"), "node")
    started = place.home / "bin" / "pi"
    started.parent.mkdir(exist_ok=True)
    settings = "set-option -gq extended-keys on ';' set-option -gq extended-keys-format csi-u"
    tmux = f'[ -z "$TMUX" ] || tmux {settings}'
    started.write_text(f'#!/bin/sh\n{tmux}\nexec "{node}" "{program}" "$@"\n')
    started.chmod(0o755)
    quiet = {"PI_OFFLINE": "1", "PI_SKIP_VERSION_CHECK": "1", "PI_TELEMETRY": "0"}
    return Launch((str(started),), base_env(place) | quiet)


def pi_that_keeps_little(place: Place, program: Path) -> Launch:
    """It shortens even a short conversation."""
    return _pi_with(place, program, compaction={"keepRecentTokens": 1})


def pi_that_repeats(place: Place, program: Path) -> Launch:
    """It does not give up a refused request while a test looks at it."""
    return _pi_with(place, program, retry={"maxRetries": 10})


def _pi_with(place: Place, program: Path, **more: object) -> Launch:
    launch = _pi(place, program)
    settings = place.home / ".pi" / "agent" / "settings.json"
    _write_json(settings, {**json.loads(settings.read_text()), **more})
    return launch


def _cline(place: Place, program: Path) -> Launch:
    """By default it asks for nothing that its tools do. A module of tests refuses more often than a person would, so
    it must not ask how to continue after each third time."""
    data = place.home / ".cline" / "data"
    provider = {"provider": "openai-compatible", "apiKey": "dummy", "model": "fake-1", "baseUrl": f"{place.model}/v1"}
    known = {"settings": provider, "updatedAt": "2026-11-30T00:00:00.000Z", "tokenSource": "manual"}
    _write_json(
        data / "settings" / "providers.json",
        {"version": 1, "lastUsedProvider": "openai-compatible", "providers": {"openai-compatible": known}},
    )
    _write_json(data / "settings" / "global-settings.json", {"telemetryOptOut": True})
    notices = dict.fromkeys(("cline-cli-cline-pass-intro", "cline-cli-desktop-launch"), True)
    _write_json(data / "settings" / "cli-notices.json", {"shown": notices})
    # In this process alone, also without a sidecar: a shared one would outlive it.
    env = {"CLINE_NO_AUTO_UPDATE": "1", "CLINE_SANDBOX": "1", "CLINE_SANDBOX_DATA_DIR": str(data)}
    return Launch((str(program), "--auto-approve", "false", "--retries", "100"), base_env(place) | env)


_VIBE_CONFIG = """\
active_model = "fake"
default_agent = "ask"
enable_telemetry = false
enable_update_checks = false
enable_auto_update = false
enable_connectors = false
disable_welcome_banner_animation = true
cursor_blink = false
[session_logging]
generate_titles = false
[[providers]]
name = "fake"
api_base = "{model}/v1"
api_key_env_var = "FAKE_KEY"
backend = "generic"
[[models]]
name = "fake-1"
provider = "fake"
alias = "fake"
max_context_length = 200000
"""


def _vibe(place: Place, program: Path) -> Launch:
    config = place.home / ".vibe" / "config.toml"
    config.parent.mkdir(exist_ok=True)
    config.write_text(_VIBE_CONFIG.format(model=place.model))
    return Launch((str(program),), base_env(place) | {"FAKE_KEY": "dummy"})


_AIDER_CONFIG = """\
model: openai/fake-1
analytics-disable: true
check-update: false
show-release-notes: false
show-model-warnings: false
gitignore: false
git: false
"""
# What it would add to each prompt for a model that it does not know.
_AIDER_MODELS = """\
- name: openai/fake-1
  edit_format: diff
  reminder: sys
"""


def _aider(place: Place, program: Path) -> Launch:
    """Without a repository it asks at its start whether to make one, and it would read prices of models from the
    internet."""
    (place.home / ".aider.conf.yml").write_text(_AIDER_CONFIG)
    (place.home / ".aider.model.settings.yml").write_text(_AIDER_MODELS)
    _write_json(place.home / ".aider.model.metadata.json", {"openai/fake-1": _AIDER_LIMITS})
    env = {"OPENAI_API_BASE": f"{place.model}/v1", "OPENAI_API_KEY": "dummy", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    return Launch((str(program),), base_env(place) | env)


_AIDER_LIMITS = {
    "max_input_tokens": 200_000,
    "max_output_tokens": 8000,
    "input_cost_per_token": 0,
    "output_cost_per_token": 0,
    "litellm_provider": "openai",
    "mode": "chat",
}


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


_ANNOUNCEMENTS = frozenset({"raw.githubusercontent.com:443"})
_BASH = ToolCall("Bash", {"command": "touch made", "description": "Make a file"})
_SHELL = ToolCall("run_shell_command", {"command": "touch made", "description": "Make a file"})
_EXEC = ToolCall(
    "exec_command", {"cmd": "touch made", "sandbox_permissions": "require_escalated", "justification": "?"}
)

CLAUDE = Cli(
    "claude",
    *release_and_program("claude", os.environ, "@anthropic-ai/claude-code/bin/claude.exe"),
    ready="? for shortcuts",
    dialect=Anthropic,
    launch=_claude,
    tool=_BASH,
    dialog="Do you want to proceed?",
)
CLAUDE_197 = replace(CLAUDE, name="claude-197", version="2.1.197", program=MODULES / "claude-code-197/bin/claude.exe")
GEMINI = Cli(
    "gemini",
    *release_and_program("gemini", os.environ, ".bin/gemini"),
    ready="Type your message",
    dialect=Gemini,
    launch=_gemini,
    tool=_SHELL,
    dialog="Allow execution of",
)
CODEX = Cli(
    "codex",
    *release_and_program("codex", os.environ, ".bin/codex"),
    ready="← for agents",
    dialect=OpenAI,
    launch=_codex,
    tool=_EXEC,
    dialog="Would you like to run the following command?",
    asks=_ANNOUNCEMENTS,
)
OPENCODE = Cli(
    "opencode",
    *release_and_program("opencode", os.environ),
    ready="ctrl+p commands",
    dialect=Anthropic,
    launch=_opencode,
    tool=ToolCall("bash", {"command": "touch made", "description": "Make a file"}),
    dialog="# Shell command",
    asks=frozenset({"registry.*:443"}),  # the registry of its packages, for the types of plugins
    asks_within=30.0,  # it loads its providers at the first prompt
    warms_up=True,
)
QWEN = Cli(
    "qwen",
    *release_and_program("qwen", os.environ),
    ready="Type your message",
    dialect=OpenAIChat,
    launch=_qwen,
    tool=_SHELL,
    dialog="Allow execution of",
    asks_within=10.0,
    titles="◐✳",
)
COPILOT = Cli(
    "copilot",
    *release_and_program("copilot", os.environ),
    ready="/ commands",  # at every width, and only while its composer is empty
    dialect=OpenAIChat,
    launch=_copilot,
    tool=ToolCall("bash", {"command": "touch made", "description": "Make a file"}),
    dialog="Do you want to run this command?",
    asks_within=10.0,
    progress=True,
    answers_by="transcript",
)
PI = Cli(
    "pi",
    *release_and_program("pi", os.environ),
    ready="/200k (auto)",
    dialect=OpenAIChat,
    launch=_pi,
    tool=ToolCall("bash", {"command": "touch made"}),
    dialog="Run this command?",
    asks_within=10.0,
)
VIBE = Cli(
    "vibe",
    *release_and_program("vibe", os.environ),
    ready="ask ─\n>\n",
    dialect=OpenAIChat,
    launch=_vibe,
    tool=ToolCall("bash", {"command": "touch made"}),
    dialog="Permission for the file_system.bash tool",
    asks_within=10.0,
    draws_late=True,
    answers_by="transcript",
)
CLINE = Cli(
    "cline",
    *release_and_program("cline", os.environ),
    ready=f"❯ What can I do for you?{EITHER}❯ Ask anything...",
    dialect=OpenAIChat,
    launch=_cline,
    tool=ToolCall("run_commands", {"commands": ["touch made"]}),
    dialog="Approve tool call?",
    asks=frozenset({"models.dev:443", "*.cline.bot:443"}),  # its catalogue of models, its flags, its offers
    asks_within=10.0,
    status=True,
    answers_by="transcript",
)
AIDER = Cli(
    "aider",
    *release_and_program("aider", os.environ),
    ready="─\n>\n",
    dialect=AiderChat,
    launch=_aider,
    tool=ToolCall("shell", {"command": "touch made"}),
    dialog="Run shell command?",
    asks_within=20.0,  # it loads its library for models at the first prompt
    continues=False,
    further_dialog="Add command output to the chat?",
    prints=True,
)
PINNED = {cli.name: cli for cli in (CLAUDE, CLAUDE_197, GEMINI, CODEX)}
ALL = {**PINNED, **{cli.name: cli for cli in (OPENCODE, QWEN, COPILOT, PI, CLINE, VIBE, AIDER)}}


def chosen(env: Mapping[str, str]) -> dict[str, Cli]:
    """The pinned ones, or the only one that is to be proven."""
    release = chosen_release(env)
    return {release.name: ALL[release.name]} if release else PINNED


CLIS = chosen(os.environ)


def among(*names: str) -> list[str]:
    """Of these, the ones that the tests run now."""
    return [name for name in names if name in CLIS]


NEWEST = {name: cli for name, cli in CLIS.items() if name == cli.agent}
