"""A prompt as each vendor keeps such things: where it belongs, and what stands in it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

VENDORS = ("claude", "codex", "gemini")


@dataclass(frozen=True)
class Skill:
    """`path` is below the folder of a project, or of a home."""

    path: str
    text: str


def skill(name: str, about: str, text: str, vendor: str) -> Skill:
    if vendor == "claude":
        head = f"---\nname: groupchat-{name}\ndescription: {about} Use it in the group chat of agents.\n---\n"
        return Skill(f".claude/skills/groupchat-{name}/SKILL.md", f"{head}\n{text}\n")
    if vendor == "codex":
        return Skill(f".codex/prompts/groupchat-{name}.md", f"{text}\n")
    body = text.replace("\\", "\\\\").replace('"""', '\\"""')
    return Skill(f".gemini/commands/groupchat-{name}.toml", f'description = "{about}"\nprompt = """\n{body}\n"""\n')
