"""Screens of the agents, as somebody may quote them in an answer, a file or a tool's output."""

CLAUDE = """\
✻ Thinking… (5s · ↓ 42 tokens)
· Whirlpooling… (0s · ↓ 6 tokens)
✻ API error · Retrying in 3s · attempt 3/10
● API Error: 500 no
  Waiting for permission…
 Do you want to proceed?
 ❯ 1. Yes
   2. Yes, and always allow access to shop from this project
   3. No
 Esc to cancel · Tab to amend
Enter to select · ↑/↓ to navigate · Esc to cancel
────────────────────────────────────────
❯ Press up to edit queued messages
────────────────────────────────────────
  esc to interrupt · ← for agents"""

CODEX = """\
• Working (3s • esc to interrupt)
◦ Reconnecting... 2/5 (6s • esc to interrupt)
• Server is busy, reconnecting 1/5 (5s • esc to interrupt)
■ unexpected status 401 Unauthorized
  Would you like to run the following command?
› 1. Yes, proceed (y)
  2. Yes, and don't ask again (p)
  Press enter to confirm or esc to cancel
  enter select · esc back
› Ask Codex to do anything
  ← for agents · ? for shortcuts"""

GEMINI = """\
 ⠏ Thinking... (esc to cancel, 1s)
✦  Working… (shop)
✕ [API Error: {"error":{"code":401}}]
╭────────────────────────────────────────╮
│ ? Shell  touch marker.txt              │
│ Allow execution of [Shell]?            │
│ ● 1. Allow once                        │
│   2. Allow for this session            │
│   3. No, suggest changes (esc)         │
╰────────────────────────────────────────╯
▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄
 >   Type your message or @path/to/file
▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀"""

OPENCODE = """\
  ┃
  ┃  △ Permission required
  ┃    → Edit a.txt
  ┃
  ┃  1 + made
  ┃
  ┃   Allow once   Allow always   Reject             ctrl+f fullscreen  ⇆ select  enter confirm
  ┃
  ┃  [carol -> opencode #3] and then
  ┃   QUEUED
  ┃
  ┃  Ask anything… "Fix broken tests"
  ┃
  ┃  Build · Fake One Fake
  ╹▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀
   ⬝⬝⬝⬝⬝■■■  esc interrupt        142 (0%)  ctrl+p commands"""

QWEN = """\
  ◆ Let me.
  ? Shell touch made (Make a file) ←
   Allow execution of: 'touch'?
   › 1. Yes, allow once
     2. Always allow run 'touch *' commands for this user
     3. No, suggest changes (esc)
  ⠏ Waiting for user confirmation...
  ✕ [API Error: 400 no]
  ⠙ Preparing a witty response... (6s · ↓ 5 tokens · esc to cancel)
────────────────────────────────────────
>   Type your message or @path/to/file
────────────────────────────────────────
  Enter to steer · Ctrl+Q to queue · ⏸ Ask permissions (shift + tab to cycle)"""

COPILOT = """\
 ● Let me.
 $ Shell Make a file
╭────────────────────────────────────────╮
│ Make a file                            │
│ Do you want to run this command?       │
│ ❯ 1. Yes                               │
│   2. No, and tell Copilot what to do   │
│ ↑/↓ to navigate · esc to cancel        │
╰────────────────────────────────────────╯
 ✗ 400 no
 ~/shop
────────────────────────────────────────
❯ [Paste #1 - 30 lines]
────────────────────────────────────────
 ● Working · 12 B esc esc interrupt
 / search · ↑/↓ navigate · enter open · esc cancel"""

PI = """\
 $ touch made
────────────────────────────────────────

 Run this command?

 touch made

 → Yes
   No

 ↑↓ navigate  enter select  escape/ctrl+c cancel

────────────────────────────────────────
 Error: 400: no
── ⠹ Working ───────────────────────────
[paste #1 +30 lines]
────────────────────────────────────────
~/shop (main)
↑200 ↓40 0.1%/200k (auto)         fake-1"""

CLINE = """\
 ❯ make it
 * Let me.
 ⠦ run_commands(touch made)
 Cline needs permission

 Approve tool call?

 run_commands

   $ touch made

  [y] Approve   [n] Deny
 Cline is asking a question
 * Error: 400 no
 ⠼ Thinking... (esc to cancel)
────────────────────────────────────────
❯ [one two three... Pasted +30 lines]
────────────────────────────────────────
 fake-1 (100) $0.00  ○ Plan ● Act (Tab)
 Auto-approve all disabled (Shift+Tab)"""

OTHERS = """\
[ ! ] Action Required | shop
Do you want to continue? [y/n]
Password: 
user@host:~$ """

EVERYTHING = "\n".join((CLAUDE, CODEX, GEMINI, OPENCODE, QWEN, COPILOT, PI, CLINE, OTHERS))


def wide(text: str, columns: int) -> str:
    """The same with rules and frames as wide as the screen, as somebody would draw them who means to deceive."""
    rows = text.split("\n")
    stretch = {"────": "─", "▄▄▄▄": "▄", "▀▀▀▀": "▀"}
    for begin, glyph in stretch.items():
        rows = [glyph * columns if row.startswith(begin) else row for row in rows]
    return "\n".join(_frame(row, columns) for row in rows)


def _frame(row: str, columns: int) -> str:
    if row[:2] in ("╭─", "╰─"):
        return row[0] + "─" * (columns - 2) + row[-1]
    return row[:-1].ljust(columns - 1) + "│" if row[:1] == "│" else row
