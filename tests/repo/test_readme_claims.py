"""What the README claims stands in the pages that it names, and what it links to exists."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EVIDENCE = (ROOT / "docs" / "evidence.md").read_text(encoding="utf-8")
CLIS = ("claude", "codex", "gemini")
HEADS = {
    "delivery": ("messages", "failed visibly", "lost", "doubled", "garbled", "dialogs answered", "drafts kept"),
    "approvals": ("questions", "seen", "at the terminal", "not taken", "answered wrongly"),
}


def measured(page: str, what: str) -> str:
    found = re.search(rf"<!-- measured: begin {what} -->(.*?)<!-- measured: end {what} -->", page, re.DOTALL)
    assert found is not None, what
    return found[1]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def totals(kind: str) -> dict[str, int]:
    """The row `all` of the first table of each CLI, summed up."""
    sums = dict.fromkeys(HEADS[kind], 0)
    for cli in CLIS:
        lines = [one for one in measured(EVIDENCE, f"{kind}-{cli}").splitlines() if one.startswith("|")]
        heads, row = cells(lines[0]), next(cells(one) for one in lines if one.startswith("| all "))
        for name in sums:
            sums[name] += int(row[heads.index(name)].replace(",", ""))
    return sums


def claim(words: str) -> str:
    """Its row in the table, with the number and the command."""
    return next(line for line in README.splitlines() if line.startswith(f"| {words}"))


def test_the_figures_of_delivery() -> None:
    sums = totals("delivery")
    row = claim("A message arrives once")
    assert f"{sums['messages']:,} messages" in row and f"{sums['failed visibly']} failed and said so" in row
    assert (sums["lost"], sums["doubled"], sums["garbled"], sums["dialogs answered"]) == (0, 0, 0, 0)
    kept = sums["drafts kept"]
    assert f"{kept} of {kept} drafts kept, 0 dialogs answered" in claim("Your half-typed draft")
    assert all("- met: drafts lost: 0" in measured(EVIDENCE, f"delivery-{cli}") for cli in CLIS)


def test_the_figures_of_approvals() -> None:
    sums = totals("approvals")
    row = claim("An approval from the chat")
    unseen = sums["questions"] - sums["seen"]
    assert f"{sums['questions']} questions" in row and f"{sums['answered wrongly']} answered wrongly" in row
    assert f"{sums['at the terminal']} were answered at the terminal, {unseen} had no card within 10 s" in row
    assert f"{sums['not taken']} answer was not taken" in row


def test_the_figures_of_the_sidecar_and_the_gateway() -> None:
    sidecar = (ROOT / "docs" / "sidecar-numbers.md").read_text(encoding="utf-8")
    missed = re.search(r"\*\*missed\*\*: ms that a key .*: (\S+) \(claimed: at most (\S+)\)", measured(sidecar, "keys"))
    assert missed is not None
    assert f"{missed[1]} ms longer (p50) than on a bare PTY; our target of {missed[2]} is missed" in claim(
        "You do not feel"
    )
    gateway = measured((ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8"), "fanout")
    ours = next(cells(line) for line in gateway.splitlines() if line.startswith("| gateway"))
    ratio = re.search(r"over bare aiohttp, 100 sockets, 16 in flight: (\d\.\d)", gateway)
    assert ratio is not None
    assert f"{ours[3]} deliveries per CPU second to 100 sockets, {ratio[1]} times" in claim("The gateway is fast")


def test_each_claim_names_a_command_that_exists() -> None:
    table = README[README.index("## Why trust it") : README.index("## How it differs")]
    commands = re.findall(r"`(benchmarks/\w+|docs/pictures/\w+)", table)
    assert len(commands) == 5
    assert [one for one in commands if not (ROOT / one).is_file()] == []


def test_a_stranger_finds_the_pages_that_come_first() -> None:
    for page in ("README.md", *(f"guides/{name}.md" for name in ("first-chat", "chat", "rooms", "web", "phone"))):
        assert f"](docs/{page})" in README, page
    assert 'src="docs/pictures/web-room-desktop-light.png"' in README


def test_what_the_readme_links_to_exists() -> None:
    named = [*re.findall(r"\]\(([^)]+)\)", README), *re.findall(r'src="([^"]+)"', README)]
    links = [one.partition("#")[0] for one in named if "://" not in one]
    assert [one for one in links if not (ROOT / one).exists()] == []
