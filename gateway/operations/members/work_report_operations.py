"""Takes what an agent reports of its work and of the files that it writes. All of it is only in memory."""

from __future__ import annotations

import msgspec

from gateway.access.permissions import Actor
from gateway.agent_control.file_collision_notices import collision_notices
from gateway.model.rule_outcome import RuleOutcome
from gateway.protocol.errors import Forbidden
from gateway.protocol.requests.agent_requests import ReportWrites, SetWork
from gateway.protocol.results import Done, Result
from gateway.protocol.text.secret_masking import mask_secrets
from gateway.protocol.types.agent_work import MAX_WORK_TEXT_CHARS, Work
from gateway.protocol.types.core_types import MemberKind
from gateway.runtime.hub import Hub
from gateway.sealed_rooms.sealed_form import check_sealed_content


async def answer_set_work(hub: Hub, actor: Actor, request: SetWork) -> Done:
    check_sealed_content(request.work.sealed)
    live, work = hub.state.live[actor.name], _without_secrets(request.work)
    if (work, request.unseen) != (live.work, live.unseen):
        live.work, live.unseen = work, request.unseen
        hub.presence.note_change(actor.name)
    return Done()


def _without_secrets(work: Work) -> Work:
    """A key can be part of the name of a branch or a file."""
    masked = {name: _masked(getattr(work, name)) for name in ("folder", "branch", "file")}
    return msgspec.structs.replace(work, **masked)


def _masked(text: str) -> str:
    return mask_secrets(text)[:MAX_WORK_TEXT_CHARS]


async def answer_report_writes(hub: Hub, actor: Actor, request: ReportWrites) -> Result:
    if actor.kind is not MemberKind.AGENT or actor.is_tools_token:
        raise Forbidden("Only an agent's own sidecar reports what the agent has written.")
    notices = collision_notices(hub.state, actor.name, request.files, hub.rule_context())
    return await hub.carry_out(RuleOutcome(Done(), notices))
