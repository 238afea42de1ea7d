"""Event charts for the delivery loop, like the playbooks of protocol tests: events go in, effects come out.

A chart is one list, read from top to bottom. What happens right after something came out, happens at that very moment:
between the paste and Enter, for one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gateway.protocol.types.core_types import Activity, Composer, Rung
from sidecar.activity.agent_observer import AgentSnapshot
from sidecar.connection.room_reporter import RoomReporter
from sidecar.delivery.backlog import EarlierRun
from sidecar.evidence.turn_evidence import EvidenceSource, TurnFact, TurnFactKind
from sidecar.messages.recovery import TurnOutcome
from sidecar.orders.room_orders import RoomOrders
from sidecar.screen.rules import ScreenReading
from tests.sidecar.delivery.test_delivery_loop import Agent, Scene
from tests.sidecar.delivery.test_welcome import Fetching
from tests.sidecar.memory_room import MemoryRoom
from tests.sidecar.pictures import moment

KEYS = {b"\r": "enter", b"\x13": "stash", b"\x15": "clear row", b"\x1b": "escape"}
PATIENCE_STEPS = 12


# What comes out


@dataclass(frozen=True)
class Key:
    """Bytes to the agent."""

    name: str


@dataclass(frozen=True)
class Step:
    """What the room hears of a message."""

    rung: str
    number: int = 1


@dataclass(frozen=True)
class Interrupts:
    """The turn is ended for a message."""


@dataclass(frozen=True)
class Refuses:
    """The hook keeps a prompt from the model."""


Out = Key | Step | Interrupts | Refuses
PASTE, ENTER, STASH, CLEAR_ROW, ESCAPE = Key("paste"), Key("enter"), Key("stash"), Key("clear row"), Key("escape")
TYPED, VERIFIED, SUBMITTED = Step("typed"), Step("verified"), Step("submitted")
ACCEPTED, SEEN, ANSWERED, FAILED = Step("accepted"), Step("seen"), Step("answered"), Step("failed")


def held(why: str, number: int = 1) -> Step:
    return Step(f"held {why}", number)


# What happens


@dataclass(frozen=True)
class Arrives:
    text: str = "hello"
    urgent: bool = False
    interrupt: bool = False


@dataclass(frozen=True)
class Shows:
    """The agent's screen from now on; none: it shows what is pasted, as agents do."""

    drawn: AgentSnapshot | None = None


@dataclass(frozen=True)
class Passes:
    seconds: float


@dataclass(frozen=True)
class Types:
    """A person presses keys."""

    keys: bytes


@dataclass(frozen=True)
class Stops:
    """Somebody in the room stops the agent."""


@dataclass(frozen=True)
class Takes:
    """A message is taken back, or by the agent itself through a tool."""

    number: int = 1


@dataclass(frozen=True)
class Crashes:
    """The sidecar dies at this moment, and starts again. `transcript` is what the earlier run's tells of message 1."""

    transcript: TurnOutcome | None = None
    known: bool = True


@dataclass(frozen=True)
class Quiet:
    """Nothing comes out, however often it looks."""

    looks: int = 3


@dataclass(frozen=True)
class Asks:
    """The agent's submit hook asks whether message 1 may go to the model."""


@dataclass(frozen=True)
class Exits:
    """The agent's process ends."""

    comes_back: bool = False


In = Asks | Exits | Arrives | Shows | Passes | Types | Stops | Takes | Crashes | Quiet | TurnFact
Chart = Sequence[In | Out]
OURS = "[alice -> claude #1] hello"
EMPTY, ASKING = Shows(moment()), Shows(moment(Activity.ASKING, Composer.HIDDEN))
UNREAD = Shows(moment(Activity.UNKNOWN, Composer.UNKNOWN))
WORKS = Shows(moment(Activity.BUSY, sources=(EvidenceSource.TITLE,)))
AS_PASTED = Shows()
KEEPS = Shows(replace(moment(), reading=ScreenReading(composer=Composer.EMPTY, keeps_prompts=True)))


def composer(text: str, activity: Activity = Activity.IDLE) -> Shows:
    return Shows(moment(activity, Composer.DRAFT, text))


def prompt(number: int = 1, source: EvidenceSource = EvidenceSource.HOOK) -> TurnFact:
    return TurnFact(TurnFactKind.PROMPT, f"[alice -> claude #{number}] hello", "t", source)


ANSWERS = TurnFact(TurnFactKind.ANSWER, "hi", "t")
INTERRUPTED = TurnFact(TurnFactKind.INTERRUPTED, source=EvidenceSource.TRANSCRIPT)


class Died(BaseException):
    """The process is gone: nothing after this happens."""


class WatchedAgent(Agent):
    def __init__(self, player: "Player", now: float) -> None:
        super().__init__()
        self._player, self.now = player, now

    def write(self, data: bytes) -> None:
        super().write(data)
        if data == b"\x1b" and self.look().verdict.activity in (Activity.BUSY, Activity.ASKING):
            self._player.scene.progress.note_interruption("by root")
        self._player.out(Key("paste" if data.startswith(b"\x1b[200~") else KEYS.get(data, data.decode())))

    def since_key(self) -> float:
        return self.now - self._player.pressed_at


class WatchedOutbox(RoomReporter):
    def __init__(self, player: "Player") -> None:
        super().__init__(player.room, lambda: "")
        self._player = player

    def step(self, number: int, rung: Rung, reason: str = "") -> None:
        super().step(number, rung, reason)
        self._player.out(Step(f"held {reason}" if rung is Rung.HELD else str(rung), number))


class Player:
    """Plays one chart: each thing that comes out must be what the chart expects next."""

    def __init__(self, folder: Path, chart: Chart) -> None:
        self._folder, self._left = folder, list(chart)
        self.came: list[Out] = []
        self._crash: Crashes | None = None
        self.pressed_at = float("-inf")
        self.room = MemoryRoom("claude")
        self.scene = self._life(now=100.0)

    def _life(self, now: float) -> Scene:
        scene = Scene(self._folder, agent=WatchedAgent(self, now), room=self.room, outbox=WatchedOutbox(self))
        scene.on_stop = self._interrupts
        return scene

    def _interrupts(self) -> bool:
        self.out(Interrupts())
        return True

    async def play(self) -> None:
        while self._left:
            self._happens()
            match self._left[:1]:
                case [Quiet(looks)]:
                    self._left.pop(0)
                    await self._steps(looks)
                case [Crashes()]:
                    self._crash = self._popped_crash()
                    await self._starts_again()
                case [_]:
                    await self._until_something_comes()
        await self._steps(2)
        self.scene.journal.close()

    async def _until_something_comes(self) -> None:
        before = len(self.came)
        for _ in range(PATIENCE_STEPS):
            await self._steps(1)
            if len(self.came) > before:
                return
        raise AssertionError(f"nothing came; expected {self._left[0]} after {self.came[-3:]}")

    async def _steps(self, count: int) -> None:
        """The first one at once; then time passes before each."""
        for _ in range(count):
            before = len(self.came)
            try:
                await self.scene.after()
            except Died:
                await self._starts_again()
            if len(self.came) == before:
                self.scene.agent.now += 0.5

    def out(self, what: Out) -> None:
        if self._crash:
            return  # the agent is gone
        expected = self._left.pop(0) if self._left else None
        assert what == expected, f"{what} came; expected {expected} after {self.came[-4:]}"
        self.came.append(what)
        self._happens()
        if self._left and isinstance(self._left[0], Crashes):
            self._crash = self._popped_crash()
            raise Died

    def _popped_crash(self) -> Crashes:
        crash = self._left.pop(0)
        assert isinstance(crash, Crashes)
        return crash

    def _happens(self) -> None:
        """Whatever the chart says happens now, until something is expected to come out."""
        while self._left and not isinstance(self._left[0], Out | Crashes | Quiet):
            self._one(self._left.pop(0))

    def _one(self, event: In | Out) -> None:
        scene = self.scene
        match event:
            case Arrives():
                number = self.room.say(event.text, urgent=event.urgent, interrupt=event.interrupt)
                scene.delivery_loop.receive(self.room.messages[number])
            case Takes():
                scene.delivery_loop.drop(event.number)
            case Stops():
                scene.delivery_loop.expect_returned_prompt()
                scene.writer.keys(b"\x1b")
            case Types():
                self.pressed_at = scene.agent.now
                scene.writer.keys(event.keys)
            case Passes():
                scene.agent.now += event.seconds
            case _:
                self._one_of_agent(event)

    def _one_of_agent(self, event: In | Out) -> None:
        scene = self.scene
        match event:
            case TurnFact():
                scene.delivery_loop.fact(event)
            case Shows():
                scene.agent.drawn = event.drawn
            case Asks() if scene.progress.check_prompt(prompt()):
                self.out(Refuses())
            case Exits():
                scene.agent.drawn = moment(Activity.GONE, Composer.HIDDEN)
                scene.delivery_loop.agent_ended(comes_back=event.comes_back)

    async def _starts_again(self) -> None:
        """With a new agent, whose composer is empty, as the old one dies with its sidecar."""
        crash, before = self._crash, self.scene
        assert crash is not None
        before.journal.close()
        self._crash = None
        self.scene = self._life(before.agent.now)
        scene = self.scene
        told = {1: crash.transcript} if crash.transcript else {}
        past = EarlierRun(told if crash.known else None, scene.journal.record_progress, scene.journal.unfinished())
        orders = RoomOrders("claude", scene.delivery_loop, Fetching(scene.outbox), past)
        orders.welcome(self.room.welcome)
        await orders.backlog.fetch_all()
