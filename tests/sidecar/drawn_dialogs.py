"""The dialogs of the three CLIs, drawn at any size. Their shapes come from recordings and panes: each vendor wraps,
frames and cuts in its own way."""

from collections.abc import Callable, Sequence

COMMAND = (
    "rm -rf ./build && make all && ./deploy --prod --with-a-long-option="
    + "x" * 60
    + " && echo one two three four five "
    "six seven"
)
CLAUDE_TIP = 'Tip: auto mode handles these prompts for you — choose "switch to auto mode" below'
CLAUDE_OPTIONS = (
    "Yes",
    "Yes, and don't ask again for rm -rf ./build, make all, and ./deploy --prod --with-a-long-option="
    + "x" * 60
    + " commands in /home/dev/work-of-today/shop-and-more",
    "Yes, and switch to auto mode · auto mode handles these prompts for you",
    "No",
)
CODEX_OPTIONS = (
    "Yes, proceed (y)",
    "Yes, and don't ask again for commands that start with `rm -rf ./build && make all && ./deploy --prod` (p)",
    "No, and tell Codex what to do differently (esc)",
)
GEMINI_OPTIONS = ("Allow once", "Allow for this session", "No, suggest changes (esc)")


def wrapped(text: str, width: int) -> list[str]:
    """Words move to the next row; one that is longer than a row is cut, beginning where it stands."""
    rows, row = [], ""
    for word in text.split(" "):
        if row and len(row) + 1 + len(word) > width and len(word) <= width:
            rows.append(row)
            row = word
            continue
        row = f"{row} {word}" if row else word
        while len(row) > width:
            rows.append(row[:width])
            row = row[width:]
    return [*rows, row]


def _list(options: Sequence[str], width: int, first: str, other: str) -> list[str]:
    """Each option with its number; its further rows begin where its words do."""
    rows = []
    for at, text in enumerate(options):
        begin = f"{first if at == 0 else other}{at + 1}. "
        for y, part in enumerate(wrapped(text, width - len(begin))):
            rows.append((begin if y == 0 else " " * len(begin)) + part)
    return rows


def claude(columns: int, lines: int) -> list[str]:
    """Its dialog fills the screen when it is taller, and is scrolled to its end."""
    dashes = "╌" * columns
    body = [
        "─" * columns,
        " Bash command",
        *(f" {row}" for row in wrapped(CLAUDE_TIP, columns - 2)),
        " Deploy it",
        dashes,
        *(f" │ {row}" for row in wrapped(COMMAND, columns - 4)),
        dashes,
        *(f" {row}" for row in wrapped("This command requires approval", columns - 2)),
        "",
        " Do you want to proceed?",
        *_list(CLAUDE_OPTIONS, columns - 2, " ❯ ", "   "),
    ]
    footer = [f" {row}" for row in wrapped("Esc to cancel · Tab to amend", columns - 2)]
    if len(body) + 1 + len(footer) <= lines:
        return [*[""] * (lines - len(body) - 1 - len(footer)), *body, "", *footer]
    room = lines - len(footer) - 1
    return [*body[len(body) - room :], f" ↑ {len(body) - room} more lines", *footer]


def codex(columns: int, lines: int) -> list[str]:
    """Its options are never scrolled: what is too much of them is not drawn, without a sign."""
    body = [
        "",
        *(f"  {row}" for row in wrapped("Would you like to run the following command?", columns - 3)),
        "",
        "  Environment: local",
        "",
        *(f"  {row}" for row in wrapped(f"$ {COMMAND}", columns - 3)),
        "",
        "",
    ]
    options = _list(CODEX_OPTIONS, columns - 1, "› ", "  ")
    footer = [f"  {row}" for row in wrapped("Press enter to confirm or esc to cancel", columns - 3)]
    if len(body) + len(options) + 1 + len(footer) <= lines:
        above = ["• Running it", ""]
        return [*above, *[""] * (lines - len(body) - len(options) - 3 - len(footer)), *body, *options, "", *footer]
    room = lines - len(footer)
    shown = options[: max(1, room - 2)]
    text = room - len(shown) - 1
    cut = f"  [… {len(body) - text} lines] ^a view all"[:columns]
    return [*body[:text], cut, *shown, *footer]


def gemini(columns: int, lines: int) -> list[str]:
    """It hides rows of the command, and what is still too tall has left the screen at its top."""
    inner = columns - 4
    command = wrapped(COMMAND, inner - 4)
    options = _list(GEMINI_OPTIONS, inner, "● ", "  ")
    asks = wrapped("Allow execution of [Shell]?", inner)
    most = max(1, lines - len(options) - len(asks) - 7)
    if len(command) > most:
        command = [f"... {len(command) - most} hidden (Ctrl+O) ...", *command[len(command) - most :]]
    box = [f"╭{'─' * (inner - 2)}╮", *(f"│ {row:<{inner - 4}} │" for row in command), f"╰{'─' * (inner - 2)}╯"]
    rows = ["? Shell  Deploy it", *box, *asks, "", *options]
    framed = [f"╭{'─' * (columns - 2)}╮", *(f"│ {row:<{inner}} │" for row in rows), f"╰{'─' * (columns - 2)}╯"]
    return [*[""] * (lines - len(framed)), *framed][-lines:]


DRAWN: dict[str, tuple[Callable[[int, int], list[str]], Sequence[str]]] = {
    "claude": (claude, CLAUDE_OPTIONS),
    "codex": (codex, CODEX_OPTIONS),
    "gemini": (gemini, GEMINI_OPTIONS),
}
