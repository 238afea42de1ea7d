"""The prompt that a speaker gets with its turn. Pure.

Each line of other members' messages begins with a bar, so that it cannot pass for the gateway's own text.
"""

from __future__ import annotations

from gateway.protocol.text.printable_text import printable_line
from gateway.turns.engine import Floor, SpokenLine, unseen_lines_for
from gateway.turns.mode import fill_placeholders

MAX_NEWS_CHARS = 24_000
NEWS_BAR = "| "


def turn_announcement(speaker: str) -> str:
    """The announcement of a turn, in the wording of the simple interface."""
    return f"@{speaker} - Your turn."


def prompt_text(floor: Floor) -> str:
    parts = (
        turn_announcement(floor.speaker),
        _standing_text(floor),
        _news_text(floor),
        _task_text(floor),
        _how_to_answer_text(floor),
    )
    return "\n\n".join(one for one in parts if one)


def _standing_text(floor: Floor) -> str:
    phases = len(floor.mode.phases)
    phase = f", phase {floor.now_in.name} ({floor.phase + 1} of {phases})" if phases > 1 else ""
    rounds = f", round {floor.round} of {floor.rounds}" if 1 < floor.rounds < 100 else ""
    roles = [role for role, name in floor.cast.items() if name == floor.speaker]
    role = f" You are the {' and the '.join(roles)}." if roles else ""
    topic = f"\nTopic:\n{_prefix_lines(floor.topic)}" if floor.topic else ""
    return f"Mode {floor.name}{phase}{rounds}; speakers: {', '.join(floor.order)}.{role}{topic}"


def _news_text(floor: Floor) -> str:
    lines: list[str] = []
    size = 0
    for line in reversed(unseen_lines_for(floor, floor.speaker)):
        told = _news_line(line)
        size += len(told)
        if size > MAX_NEWS_CHARS and lines:
            lines.append("[earlier messages are in the room's history]")
            break
        lines.append(told)
    return "\n".join(["What was said since you last spoke:", *reversed(lines)]) if lines else ""


def _news_line(line: SpokenLine) -> str:
    mark = ", out of turn" if line.aside else ""
    return f"#{line.seq} {line.from_}{mark}:\n{_prefix_lines(line.text)}"


def _prefix_lines(text: str) -> str:
    return "\n".join(NEWS_BAR + one for one in text.strip().splitlines()) or NEWS_BAR.rstrip()


def _task_text(floor: Floor) -> str:
    options = "\n".join(f"{one.key}{f' ({one.by})' if one.by else ''}: {one.text}" for one in floor.options)
    places = {
        "topic": printable_line(floor.topic),
        "speaker": floor.speaker,
        "round": str(floor.round),
        "rounds": str(floor.rounds),
        "options": _prefix_lines(options),
        "members": ", ".join(one for one in floor.order if one != floor.speaker),
        "left": str(floor.left + 1),
    }
    return fill_placeholders(floor.now_in.tell.strip(), places)


def _how_to_answer_text(floor: Floor) -> str:
    return "Your final answer is your turn; everyone in the room can read it."
