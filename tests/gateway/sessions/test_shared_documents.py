"""The rules of shared context: who may, which version holds, what is told to whom."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.access.permissions import Actor
from gateway.model.records.shared_document_records import (
    MAX_INLINE_BYTES,
    RawContextDocument,
    encode_document,
    encode_for_store,
    merge_documents,
)
from gateway.model.rule_outcome import EventToCommit
from gateway.protocol import codec
from gateway.protocol.errors import Conflict, Forbidden, GroupChatError, InvalidName, NotFound, UnknownRoom
from gateway.protocol.events import ContextEvent
from gateway.protocol.requests.shared_document_requests import Contexts, DeleteContext, MergeContext, PutContext
from gateway.protocol.results import ContextList, ContextSaved
from gateway.protocol.types.core_types import ContextAction, MemberKind, Scope
from gateway.sessions import shared_documents
from tests.support.world import ADMIN, World

Json = dict[str, Any]


class Scene:
    """ann and ben in a closed room, claude in the common one with them, hermit in none."""

    def __init__(self) -> None:
        self.world = World()
        self.ann = self.world.person("ann")
        self.ben = self.world.member("ben")
        self.claude = self.world.member("claude")
        self.olga = self.world.member("olga", MemberKind.TOOL, Scope.OBSERVER, rooms=())
        self.hermit = self.world.member("hermit", rooms=())
        self.world.room("den", "ann", "ben", invite_only=True)
        self.kept: dict[str, Json] = {}

    def put(self, actor: Actor, scope: str, document: Json | None = None, version: int | None = None) -> ContextSaved:
        request = PutContext(scope=scope, document={"a": 1} if document is None else document, version=version)
        return self._keep(self.world.do(shared_documents.put_context, actor, request).result)

    def merge(self, actor: Actor, scope: str, patch: Json, version: int | None = None) -> ContextSaved:
        request = MergeContext(scope=scope, patch=patch, version=version)
        stored = self.kept.get(f"{scope}/main", {})
        after = encode_for_store(merge_documents(stored, patch), encode_document(patch))
        outcome = shared_documents.merge_context(self.world.state, actor, request, after, self.world.rule_context)
        self.world.commit(*outcome.events)
        return self._keep(outcome.result)

    def delete(self, actor: Actor, scope: str, version: int | None = None) -> tuple[EventToCommit, ...]:
        return self.world.do(shared_documents.delete_context, actor, DeleteContext(scope=scope, version=version)).events

    def _keep(self, result: object) -> ContextSaved:
        assert isinstance(result, ContextSaved)
        for aside in self.world.facts[-1].store_only_documents if self.world.facts else ():
            assert isinstance(aside.value, RawContextDocument)
            self.kept[aside.key] = codec.decode(dict[str, Any], bytes(aside.value.document))
        return result

    @property
    def told(self) -> list[ContextEvent]:
        return [fact.event for fact in self.world.facts if isinstance(fact.event, ContextEvent)]

    def listed(self, actor: Actor, scope: str | None = None) -> list[str]:
        found = self.world.do(shared_documents.list_contexts, actor, Contexts(scope=scope)).result
        assert isinstance(found, ContextList)
        return [one.scope for one in found.contexts]


@pytest.fixture
def scene() -> Scene:
    return Scene()


# who may

WRITERS = {
    "#general": {"ann", "ben", "claude"},
    "#den": {"ann", "ben"},
    "@claude": {"claude", "root"},
    "@ann": {"ann", "root"},
    "global": {"ann", "ben", "claude", "olga", "hermit", "root"},
}
READERS = {
    "#general": {"ann", "ben", "claude", "olga"},
    "#den": {"ann", "ben", "olga"},
    "@claude": {"ann", "ben", "claude", "olga"},
    "@ann": {"ann", "ben", "claude", "olga"},
    "global": {"ann", "ben", "claude", "olga", "hermit", "root"},
}


def everybody(scene: Scene) -> list[Actor]:
    return [scene.ann, scene.ben, scene.claude, scene.olga, scene.hermit, ADMIN]


@pytest.mark.parametrize("scope", WRITERS)
def test_who_may_write(scene: Scene, scope: str) -> None:
    able = set()
    for number, actor in enumerate(everybody(scene)):
        before = scene.world.snapshot()
        try:
            scene.put(actor, scope, {"n": number})
            able.add(actor.name)
        except GroupChatError as error:
            assert isinstance(error, Forbidden | UnknownRoom)
            assert scene.world.snapshot() == before
    assert able == WRITERS[scope]


@pytest.mark.parametrize("scope", READERS)
def test_who_may_read(scene: Scene, scope: str) -> None:
    for writer in (scene.ann, scene.claude):
        for place in ("#general", "global", f"@{writer.name}"):
            scene.put(writer, place)
    scene.put(scene.ann, "#den")
    able = set()
    for actor in everybody(scene):
        if scope in scene.listed(actor):
            able.add(actor.name)
            assert scene.listed(actor, scope) == [scope]
            assert shared_documents.find_readable(scene.world.state, actor, scope, "main").version == 1
        else:
            with pytest.raises((Forbidden, UnknownRoom)):
                scene.listed(actor, scope)
            with pytest.raises((Forbidden, UnknownRoom)):
                shared_documents.find_readable(scene.world.state, actor, scope, "main")
    assert able == READERS[scope]


def test_a_closed_room_is_not_even_named(scene: Scene) -> None:
    messages = set()
    for scope in ("#den", "#nowhere"):
        with pytest.raises(UnknownRoom) as refused:
            scene.put(scene.claude, scope)
        assert refused.value.nearest == ()
        messages.add(refused.value.message.replace(scope[1:], "X"))
    assert len(messages) == 1, "as one that does not exist"


def test_the_told_are_those_who_may_read(scene: Scene) -> None:
    scene.put(scene.ann, "#den")
    scene.put(scene.ann, "global")
    scene.put(scene.claude, "@claude")
    scene.put(ADMIN, "@claude", {"b": 1})
    den, state, own, by_root = (fact.ends for fact in scene.world.facts)
    assert (den, state, own) == (None, None, ("claude", "ann", "ben"))
    assert by_root == ("claude", "ann", "ben", "root")
    assert [event.room for event in scene.told] == ["den", None, None, None]


SCOPES = [
    ("general", InvalidName, "Use '#ROOM', '@MEMBER' or 'global'"),
    ("", InvalidName, "Use '#ROOM'"),
    ("#", InvalidName, "is not a valid name"),
    ("#a/b", InvalidName, "is not a valid name"),
    ("@clod", NotFound, "claude"),
    ("@system", GroupChatError, "reserved"),
    ("#nowhere", UnknownRoom, "no room"),
]


@pytest.mark.parametrize(("scope", "error", "words"), SCOPES)
def test_what_is_no_scope(scene: Scene, scope: str, error: type[GroupChatError], words: str) -> None:
    with pytest.raises(error, match=words):
        scene.put(scene.ann, scope)


def test_a_scope_and_a_name_have_one_spelling(scene: Scene) -> None:
    scene.put(scene.ann, " #General ")
    request = PutContext(scope="#general", name="Main", document={"a": 2})
    result = scene.world.do(shared_documents.put_context, scene.ann, request).result
    assert isinstance(result, ContextSaved) and (result.scope, result.name, result.version) == ("#general", "main", 2)


# versions


def test_versions_go_on_through_put_merge_and_delete(scene: Scene) -> None:
    assert [scene.put(scene.ann, "global").version, scene.merge(scene.ben, "global", {"b": [1]}).version] == [1, 2]
    assert scene.kept["global/main"] == {"a": 1, "b": [1]}
    scene.delete(scene.ann, "global", 2)
    assert scene.listed(scene.ann) == []
    assert scene.put(scene.ann, "global", version=0).version == 4
    assert [(one.version, one.action, one.by) for one in scene.told] == [
        (1, ContextAction.PUT, "ann"),
        (2, ContextAction.MERGE, "ben"),
        (3, ContextAction.DELETE, "ann"),
        (4, ContextAction.PUT, "ann"),
    ]
    assert len({fact.about for fact in scene.world.facts}) == 1, "one document, one story"


@pytest.mark.parametrize("version", [0, 1, 3])
def test_another_version_is_a_conflict_that_names_the_one_that_holds(scene: Scene, version: int) -> None:
    scene.put(scene.ann, "global")
    scene.put(scene.ben, "global", {"b": 1})
    before = scene.world.snapshot()
    for write in (scene.put, scene.merge):
        with pytest.raises(Conflict, match=rf"has version 2 by now \(by ben, .*\), not {version}"):
            write(scene.ann, "global", {"c": 1}, version)
    with pytest.raises(Conflict, match="has version 2"):
        scene.delete(scene.ann, "global", version)
    assert scene.world.snapshot() == before


def test_a_version_of_what_is_not_there(scene: Scene) -> None:
    with pytest.raises(Conflict, match="There is no context 'main' of global"):
        scene.put(scene.ann, "global", version=3)
    with pytest.raises(NotFound, match="There is no context"):
        scene.delete(scene.ann, "global")
    assert scene.merge(scene.ann, "global", {"a": 1}, 0).version == 1


def test_what_changes_nothing_makes_no_version(scene: Scene) -> None:
    first = scene.put(scene.ann, "global", {"a": [1], "b": 2})
    for saved in (
        scene.put(scene.ben, "global", {"b": 2, "a": [1]}),
        scene.merge(scene.ben, "global", {"a": [1]}),
        scene.merge(scene.ben, "global", {}, 1),
    ):
        assert (saved.version, saved.seq, saved.size) == (1, None, first.size)
    assert len(scene.told) == 1


def test_a_request_repeated_after_a_lost_answer_is_answered_as_the_first(scene: Scene) -> None:
    for _ in range(2):
        assert scene.put(scene.ann, "global", {"a": 1}, 0).version == 1
    for _ in range(2):
        assert scene.merge(scene.ann, "global", {"b": 1}, 1).version == 2
    with pytest.raises(Conflict):
        scene.merge(scene.ben, "global", {"b": 1}, 1)
    assert [len(scene.delete(scene.ann, "global", 2)) for _ in range(2)] == [1, 0]
    assert len(scene.told) == 3


# what is told


def test_a_small_change_is_in_its_event_and_a_large_one_is_not(scene: Scene) -> None:
    large = {"a": "x" * MAX_INLINE_BYTES}
    scene.put(scene.ann, "global", {"a": 1})
    scene.merge(scene.ann, "global", {"b": 1})
    scene.put(scene.ann, "global", large)
    scene.merge(scene.ann, "global", {"c": 1})
    scene.merge(scene.ann, "global", {"d": large})
    scene.delete(scene.ann, "global")
    assert [(one.document, one.patch) for one in scene.told] == [
        ({"a": 1}, None),
        (None, {"b": 1}),
        (None, None),
        (None, {"c": 1}),
        (None, None),
        (None, None),
    ]
    keys = [[aside.key for aside in fact.store_only_documents] for fact in scene.world.facts]
    assert keys[2:5] == [
        ["global/main", "global/main@3"],
        ["global/main"],
        ["global/main", "global/main@5"],
    ]
    assert [aside.value for aside in scene.world.facts[5].store_only_documents] == [None]
    assert scene.told[-1].size == 0 < scene.told[-2].size
