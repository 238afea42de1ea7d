"""Event charts: each message is typed exactly once and never into a dialog."""

from pathlib import Path

import pytest

from gateway.protocol.types.core_types import Activity
from sidecar.evidence.turn_evidence import EvidenceSource, TurnFact, TurnFactKind
from sidecar.messages.recovery import TurnOutcome
from tests.sidecar.delivery.charts import (
    ACCEPTED,
    ANSWERED,
    ANSWERS,
    AS_PASTED,
    ASKING,
    CLEAR_ROW,
    EMPTY,
    ENTER,
    ESCAPE,
    FAILED,
    KEEPS,
    OURS,
    PASTE,
    SEEN,
    STASH,
    SUBMITTED,
    TYPED,
    UNREAD,
    VERIFIED,
    WORKS,
    Arrives,
    Asks,
    Chart,
    Crashes,
    Exits,
    Interrupts,
    Key,
    Passes,
    Player,
    Quiet,
    Refuses,
    Step,
    Stops,
    Takes,
    Types,
    composer,
    held,
    prompt,
)

DELIVERS: Chart = [Arrives(), PASTE, TYPED, ENTER, VERIFIED, SUBMITTED]
PROVES: Chart = [prompt(), ACCEPTED]
ENDS: Chart = [ANSWERS, SEEN, ANSWERED]
ENTERS: Chart = [ENTER, VERIFIED, SUBMITTED]
TYPES_AGAIN: Chart = [PASTE, TYPED, *ENTERS]
HALF = "half a thought"
BY_A_PERSON = "a person pressed Escape or Ctrl-C"
NARROW = "[alice ->\nclaude #1]\nhello"
SAID = TurnFact(TurnFactKind.MODEL, "so", source=EvidenceSource.TRANSCRIPT)
REFUSES = Refuses()
CUT = TurnFact(TurnFactKind.INTERRUPTED, turn="t")

CHARTS: dict[str, Chart] = {
    "as it should be": [*DELIVERS, *PROVES, *ENDS, Quiet()],
    # A dialog
    "a dialog stands there": [ASKING, Arrives(), held("asking"), Quiet(), AS_PASTED, *TYPES_AGAIN],
    "a dialog stands for an hour": [
        *(ASKING, Arrives(), held("asking"), Passes(3600.0), Quiet(8)),
        *(AS_PASTED, *TYPES_AGAIN, *PROVES, *ENDS, Quiet()),
    ],
    "a dialog stands for an hour in the turn of a message": [
        *(*DELIVERS, *PROVES, ASKING, Passes(3600.0), Quiet(8)),
        *(WORKS, Quiet(), ANSWERS, SEEN, ANSWERED, EMPTY, Quiet()),
    ],
    "a dialog stands for an hour over a message that was pasted": [
        *(Arrives(), PASTE, ASKING, TYPED, held("asking"), Passes(3600.0), Quiet(8)),
        *(composer(OURS), *ENTERS, EMPTY, *PROVES, *ENDS),
    ],
    "a screen that nothing matches any more, for an hour": [
        *(UNREAD, Arrives(), held("unknown"), Passes(3600.0), Quiet(8)),
        *(AS_PASTED, *TYPES_AGAIN, *PROVES, *ENDS, Quiet()),
    ],
    "a dialog appears between paste and Enter": [
        *(Arrives(), PASTE, ASKING, TYPED, held("asking"), Quiet()),
        *(composer(OURS), *ENTERS),
    ],
    "a dialog appears while a draft is put away": [
        *(composer(HALF), Arrives(), STASH, ASKING, held("asking"), Quiet()),
        *(EMPTY, STASH, composer(HALF), held("draft"), Passes(1.0), STASH, AS_PASTED, *TYPES_AGAIN, composer(HALF)),
    ],
    "an urgent message waits for a dialog, too": [ASKING, Arrives(urgent=True), held("asking"), Quiet()],
    "Enter is not pressed again into a dialog": [*DELIVERS, ASKING, Passes(60.0), Quiet(8)],
    # A person
    "a draft in the way": [composer(HALF), Arrives(), STASH, AS_PASTED, *TYPES_AGAIN, composer(HALF), *PROVES, *ENDS],
    "a draft that opens a list is waited for": [
        composer("/mod"),
        Arrives(),
        held("draft"),
        Quiet(),
        AS_PASTED,
        *TYPES_AGAIN,
    ],
    "a person types while it is pasted": [
        *(Arrives(), PASTE, Types(b"x"), TYPED, composer(f"{OURS}x"), Key("x"), held("a person was typing")),
    ],
    # Enter
    "a swallowed Enter": [*DELIVERS, composer(OURS), ENTER, AS_PASTED, EMPTY, *PROVES, *ENDS],
    "it is stopped, and keeps what waited in it until an Enter": [
        *(WORKS, Arrives(urgent=True), PASTE, composer(OURS, Activity.BUSY), TYPED, *ENTERS, WORKS, Quiet(8)),
        *(KEEPS, ENTER, WORKS, *PROVES, *ENDS, Quiet()),
    ],
    "it keeps what is not ours": [KEEPS, Quiet(8)],
    "Enter is swallowed for ever": [*DELIVERS, composer(OURS), ENTER, ENTER, FAILED, Quiet()],
    "Enter was taken, and nothing proves it": [*DELIVERS, EMPTY, Passes(61.0), FAILED],
    # The size of the terminal
    "it becomes narrow between paste and Enter": [Arrives(), PASTE, composer(NARROW), TYPED, *ENTERS],
    "it becomes narrow, and an Enter was swallowed": [*DELIVERS, composer(NARROW), ENTER, EMPTY, *PROVES],
    # Urgent
    "an urgent message goes in while the agent works": [
        *(*DELIVERS, *PROVES, WORKS, Arrives("now", urgent=True), PASTE),
        *(composer("[alice -> claude #2] now", Activity.BUSY), Step("typed", 2), ENTER),
        *(Step("verified", 2), Step("submitted", 2)),
    ],
    "it ends the turn first where it says so": [
        *(WORKS, Arrives(urgent=True, interrupt=True), Interrupts(), held("busy: interrupted for this message")),
        *(AS_PASTED, *TYPES_AGAIN),
    ],
    "it ends the turn once": [
        *(WORKS, Arrives(urgent=True, interrupt=True), Interrupts(), held("busy: interrupted for this message")),
        *(Passes(3.0), PASTE, composer(OURS, Activity.BUSY), TYPED, *ENTERS),
    ],
    # Taken back
    "taken back while it waits": [WORKS, Arrives(), held("busy"), Takes(), AS_PASTED, Quiet()],
    "taken back between paste and Enter": [Arrives(), PASTE, TYPED, Takes(), Quiet()],
    "what was submitted cannot be taken back": [*DELIVERS, Takes(), *PROVES, *ENDS],
    # Somebody stops the agent, in each state
    "stopped while it waits": [WORKS, Arrives(), held("busy"), Stops(), ESCAPE, AS_PASTED, *TYPES_AGAIN],
    "stopped while a draft is put away": [
        *(composer(HALF), Arrives(), STASH, EMPTY, Stops(), ESCAPE, held(BY_A_PERSON)),
        *(STASH, composer(HALF), held("draft"), Passes(1.0), STASH, AS_PASTED, *TYPES_AGAIN, composer(HALF)),
    ],
    "stopped between paste and Enter": [
        *(Arrives(), PASTE, composer(OURS), Stops(), ESCAPE, TYPED, held(BY_A_PERSON), *ENTERS),
    ],
    "stopped after Enter, and its prompt comes back": [
        *(*DELIVERS, WORKS, Stops(), ESCAPE, prompt(), ACCEPTED, CUT, FAILED),
        *(composer(OURS), CLEAR_ROW, EMPTY, Quiet()),
    ],
    "stopped once it is proven": [*DELIVERS, *PROVES, WORKS, Stops(), ESCAPE, CUT, FAILED, EMPTY, Quiet()],
    # The sidecar dies, in each state
    "dies while it waits": [WORKS, Arrives(), held("busy"), Crashes(), *TYPES_AGAIN],
    "dies while a draft is put away": [composer(HALF), Arrives(), STASH, Crashes(), *TYPES_AGAIN],
    "dies between paste and Enter": [Arrives(), PASTE, Crashes(), *TYPES_AGAIN],
    "dies after Enter, and the transcript shows nothing of it": [
        *(Arrives(), PASTE, TYPED, ENTER, Crashes(), *TYPES_AGAIN),
    ],
    "dies after Enter, and nothing tells": [Arrives(), PASTE, TYPED, ENTER, Crashes(known=False), FAILED, Quiet()],
    "dies after Enter, and the model had begun": [
        *(Arrives(), PASTE, TYPED, ENTER, Crashes(TurnOutcome((1,))), FAILED, Quiet()),
    ],
    "dies after Enter, and the model has answered": [
        *(Arrives(), PASTE, TYPED, ENTER, Crashes(TurnOutcome((1,), "hi")), ANSWERED, Quiet()),
    ],
    "dies once it is proven": [*DELIVERS, *PROVES, Quiet(1), Crashes(), FAILED, Quiet()],
    # Its hook
    "a prompt that the agent gets twice is refused by its hook and taken out": [
        *(*DELIVERS, prompt(source=EvidenceSource.TRANSCRIPT), ACCEPTED, SAID, SEEN),
        *(Quiet(1), Asks(), ACCEPTED, REFUSES, composer(OURS), CLEAR_ROW, EMPTY, Quiet()),
    ],
    "what a person submits again is not refused": [*DELIVERS, Asks(), *PROVES, *ENDS, Asks(), Quiet()],
    # The agent's process ends, in each state
    "the agent exits while it waits": [WORKS, Arrives(), held("busy"), Exits(), held("offline"), Quiet()],
    "the agent exits between paste and Enter": [Arrives(), PASTE, Exits(), TYPED, held("offline"), Quiet()],
    "the agent exits after Enter": [*DELIVERS, Exits(), FAILED, Quiet()],
    "the agent exits after Enter, and its next life tells": [*DELIVERS, Exits(comes_back=True), Quiet()],
    "the agent exits once it is proven": [*DELIVERS, *PROVES, Exits(), FAILED, Quiet()],
    # The agent shows nothing
    "a stalled agent gets no second paste": [
        *(Arrives(), PASTE, EMPTY, TYPED, held("unknown")),
    ],
}


@pytest.mark.parametrize("chart", CHARTS.values(), ids=CHARTS)
async def test_what_the_delivery_loop_does(chart: Chart, tmp_path: Path) -> None:
    await Player(tmp_path, chart).play()
