"""How hooks are answered, and in which order their facts are reported."""

import asyncio
import gc
import itertools
import json
import threading
import time
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from structlog.testing import capture_logs

from sidecar.agents import REGISTRY
from sidecar.agents.adapter.adapter import (
    Adapter,
    HookApprovals,
    HookQuestion,
    Hooks,
    LaunchContext,
    RunningAgent,
    Transcript,
    TranscriptFormat,
)
from sidecar.conversation.conversation_file import read_conversations
from sidecar.evidence.turn_evidence import TurnFact, TurnFactKind
from sidecar.runtime.turn_listener import MAX_TURNS, SEARCH_REST_FACTOR
from tests.fakes.retry import retry_until
from tests.sidecar.capabilities import hooks_of, transcript_of
from tests.sidecar.hearers import FakeReceivers, turn_listener_of

Event = Mapping[str, object]


def fact(event: Event) -> TurnFact | None:
    if "fact" not in event:
        return None
    return TurnFact(TurnFactKind(str(event["fact"])), str(event.get("text", "")), str(event.get("turn", "")))


def question(event: Event) -> HookQuestion | None:
    return HookQuestion("Bash", str(event["asks"]), decides=bool(event.get("decides"))) if "asks" in event else None


VENDOR = replace(
    REGISTRY["demo"],
    hooks=Hooks(fact, refuse=lambda reason: {"refused": reason}),
    approvals=HookApprovals(question),
    transcript=TranscriptFormat(transcript_of(REGISTRY["demo"]).line),
)


class Heard:
    def __init__(self, folder: Path, agent: Adapter = VENDOR) -> None:
        self.by = FakeReceivers()
        self.turn_listener = turn_listener_of(self.by, agent, folder)

    @property
    def facts(self) -> list[tuple[str, str]]:
        return [(str(fact.kind), fact.text) for fact in self.by.facts]


async def test_a_refused_prompt_has_a_reason_and_is_not_reported(tmp_path: Path) -> None:
    heard = Heard(tmp_path)
    heard.by.refuses = lambda fact: "twice" if "#7" in fact.text else ""
    assert await heard.turn_listener.hook({"hook_event_name": "Go", "fact": "prompt", "text": "#7"}) == {
        "refused": "twice"
    }
    assert (heard.facts, heard.by.signals) == ([], [])
    assert await heard.turn_listener.hook({"hook_event_name": "Go", "fact": "prompt", "text": "#8"}) == {}
    assert heard.facts == [("prompt", "#8")]
    assert [one.value for one in heard.by.signals] == ["Go"]


async def test_a_request_that_the_agent_repeats_ends_nothing_and_loses_no_words(tmp_path: Path) -> None:
    both = replace(VENDOR, hooks=replace(hooks_of(VENDOR), answer=lambda event, words: words))
    heard = Heard(tmp_path, replace(both, transcript=TranscriptFormat(fact)))
    for event in ({"fact": "model", "text": "said"}, {"fact": "refused", "text": "429"}, {"fact": "ended"}):
        await heard.turn_listener.hook(event)
    heard.turn_listener.close()
    assert heard.facts == [("model", "said"), ("ended", "said")]


async def test_text_from_before_the_end_of_a_turn_is_reported_before_that_end(tmp_path: Path) -> None:
    heard = Heard(tmp_path)
    transcript = tmp_path / "t.jsonl"
    heard.turn_listener.follow(transcript)
    transcript.write_text(json.dumps({"type": "assistant", "text": "words"}) + "\n")
    await heard.turn_listener.hook({"fact": "ended"})
    heard.turn_listener.close()
    assert heard.facts == [("answer", "words"), ("ended", "")]


async def test_the_answer_is_made_of_the_hook_and_the_last_words_of_this_turn(tmp_path: Path) -> None:
    both = replace(
        VENDOR,
        hooks=replace(hooks_of(VENDOR), answer=lambda event, words: f"{words}, {event['more']}"),
        transcript=TranscriptFormat(fact),
    )
    heard, transcript = Heard(tmp_path, both), tmp_path / "t.jsonl"
    heard.turn_listener.follow(transcript)
    transcript.write_text('{"fact": "model", "text": "said"}\n{"fact": "model"}\n')
    await heard.turn_listener.hook({"fact": "ended", "more": "more"})
    await heard.turn_listener.hook({"fact": "ended", "more": "more"})
    heard.turn_listener.close()
    assert heard.facts == [("model", "said"), ("model", ""), ("ended", "said, more"), ("ended", "")]


async def test_the_transcript_reports_a_prompt_that_waited_inside_the_agent(tmp_path: Path) -> None:
    heard, asked = Heard(tmp_path), list[str]()
    heard.by.refuses = lambda fact: asked.append(fact.text) or ""  # type: ignore[func-returns-value]
    for text, turn in [("#1", "a"), ("#2", "a"), ("#3", "b"), ("#4", ""), ("#5", "")]:
        await heard.turn_listener.hook({"fact": "prompt", "text": text, "turn": turn})
    assert asked == ["#1", "#2", "#3", "#4", "#5"]
    assert [text for _, text in heard.facts] == ["#1", "#3", "#4", "#5"]


async def test_a_question_waits_for_its_decision_only_where_the_answer_decides(tmp_path: Path) -> None:
    heard, decided, asked = Heard(tmp_path), asyncio.Event(), list[HookQuestion]()

    async def decide(one: HookQuestion) -> Event:
        asked.append(one)
        await decided.wait()
        return {"allow": True}

    heard.by.answers = decide
    assert await heard.turn_listener.hook({"asks": "rm x"}) == {}
    await retry_until(lambda: asked == [HookQuestion("Bash", "rm x")])
    waiting = asyncio.get_running_loop().create_task(heard.turn_listener.hook({"asks": "rm y", "decides": True}))
    await retry_until(lambda: len(asked) == 2)
    assert not waiting.done()
    decided.set()
    assert await waiting == {"allow": True}


async def test_the_conversation_id_is_recorded_when_it_changes(tmp_path: Path) -> None:
    heard = Heard(tmp_path)
    for name in ("one", "one", "", "two"):
        await heard.turn_listener.hook({"session_id": name})
        assert heard.turn_listener.session == (name or "one")
    (known,) = read_conversations(tmp_path)
    assert known.kept is None
    assert known.candidate is not None and known.candidate.session == "two"


async def test_another_conversation_is_followed_by_its_id_where_a_hook_names_no_file(tmp_path: Path) -> None:
    """A hook of its first prompt comes before the prompt is in its file."""
    beside = TranscriptFormat(fact, of_session=lambda current, session: current.with_stem(session))
    heard, first, second = (
        Heard(tmp_path, replace(VENDOR, transcript=beside)),
        tmp_path / "a.jsonl",
        tmp_path / "b.jsonl",
    )
    heard.turn_listener.follow(first, fresh=True)
    await heard.turn_listener.hook({"session_id": "a"})
    second.write_text('{"fact": "prompt", "text": "of an earlier day"}\n')
    await heard.turn_listener.hook({"session_id": "b", "fact": "prompt", "text": "new"})
    with second.open("a") as file:
        file.write('{"fact": "model", "text": "now"}\n')
    await heard.turn_listener.hook({"session_id": "b", "fact": "ended"})
    heard.turn_listener.close()
    assert heard.turn_listener.transcript == second
    assert heard.facts == [("prompt", "new"), ("model", "now"), ("ended", "")]


async def test_a_note_that_cannot_be_written_is_logged(tmp_path: Path) -> None:
    (tmp_path / "transcript").mkdir()
    heard = Heard(tmp_path)
    with capture_logs() as logged:
        heard.turn_listener.follow(tmp_path / "t.jsonl")
        await retry_until(lambda: logged)
    heard.turn_listener.close()
    assert [one["event"] for one in logged] == ["cannot note the transcript's path"]


async def always() -> None:
    """Something waits for its proof."""


async def test_a_slow_search_blocks_nothing_and_pauses_afterwards(tmp_path: Path) -> None:
    searches: list[tuple[float, float]] = []
    transcript = tmp_path / "t.jsonl"

    def find(_: RunningAgent) -> Transcript | None:
        assert threading.current_thread() is not threading.main_thread()
        began = time.monotonic()
        threading.Event().wait(0.02)
        searches.append((began, time.monotonic()))
        return Transcript(transcript, fresh=True) if len(searches) > 2 else None

    heard = Heard(tmp_path, replace(VENDOR, transcript=replace(transcript_of(VENDOR), find=find)))
    transcript.write_text(json.dumps({"type": "assistant", "text": "words"}) + "\n")
    listening = asyncio.get_running_loop().create_task(heard.turn_listener.listen(always), name="listen")
    await retry_until(lambda: heard.facts == [("answer", "words")])
    listening.cancel()
    heard.turn_listener.close()
    assert len(searches) == 3
    for (began, ended), (again, _) in itertools.pairwise(searches):
        assert again - ended >= (ended - began) * SEARCH_REST_FACTOR * 0.9


def test_what_is_just_begun_when_the_sidecar_ends_is_no_warning_on_the_persons_screen(tmp_path: Path) -> None:
    """The transcript is read a moment after a turn, of which nobody knows whether the sidecar still runs then."""

    async def ends_at_once() -> None:
        Heard(tmp_path).turn_listener.read_transcript_now()
        for one in asyncio.all_tasks() - {asyncio.current_task()}:
            one.cancel()

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        asyncio.run(ends_at_once())
        gc.collect()
    assert warned == []


async def test_nothing_is_searched_after_the_end(tmp_path: Path) -> None:
    searches: list[RunningAgent] = []
    heard = Heard(tmp_path, replace(VENDOR, transcript=replace(transcript_of(VENDOR), find=searches.append)))
    heard.turn_listener.close()
    heard.turn_listener.read_transcript_now()
    await asyncio.sleep(0.1)
    assert searches == []


async def test_hooks_keep_their_order_while_the_transcript_is_searched(tmp_path: Path) -> None:
    patience = iter((0.05, 0.0, 0.0, 0.0))

    def find(_: RunningAgent) -> None:
        threading.Event().wait(next(patience))

    heard = Heard(tmp_path, replace(VENDOR, transcript=replace(transcript_of(VENDOR), find=find)))
    await asyncio.gather(*(heard.turn_listener.hook({"fact": "prompt", "text": text}) for text in "1234"))
    assert [text for _, text in heard.facts] == ["1", "2", "3", "4"]


async def test_of_turns_that_began_the_last_ones_are_known(tmp_path: Path) -> None:
    heard = Heard(tmp_path)
    for number in range(MAX_TURNS + 1):
        for _ in range(2):
            await heard.turn_listener.hook({"fact": "prompt", "text": str(number), "turn": str(number)})
    assert [text for _, text in heard.facts] == [str(number) for number in range(MAX_TURNS + 1)]
    await heard.turn_listener.hook({"fact": "prompt", "text": "again", "turn": "0"})
    assert heard.facts[-1] == ("prompt", "again")


async def test_a_transcript_that_appears_in_a_folder_of_another_name_is_found(tmp_path: Path) -> None:
    """The file keeps the id of the conversation as its name. It began with this run, so all of it is new."""
    session = "4f9cfd2e-8d3c-4fd1-9d5c-0f1c3f0a0b01"
    expected, other = (tmp_path / "vendor" / "projects" / folder / f"{session}.jsonl" for folder in ("-shop", "_shop"))
    claude = replace(VENDOR, transcript=replace(transcript_of(VENDOR), moved=transcript_of(REGISTRY["claude"]).moved))
    by, child = FakeReceivers(), RunningAgent(LaunchContext(tmp_path, tmp_path, "", session, {}), 1, 0.0)
    listener = turn_listener_of(by, claude, tmp_path, child)
    listener.follow(expected)
    other.parent.mkdir(parents=True)
    (other.parent / "another.jsonl").write_text(json.dumps({"type": "assistant", "text": "of another"}) + "\n")
    other.write_text(json.dumps({"type": "assistant", "text": "words"}) + "\n")
    listening = asyncio.get_running_loop().create_task(listener.listen(always), name="listen")
    await retry_until(lambda: [one.text for one in by.facts] == ["words"])
    listening.cancel()
    listener.close()
    assert listener.transcript == other
