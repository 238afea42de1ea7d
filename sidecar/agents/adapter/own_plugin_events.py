"""Events as our own plugins in a vendor's program report them: by a hook, and in the file of its turns. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from sidecar.evidence.turn_evidence import EvidenceSource, TokenCost, TurnFact, TurnFactKind

_KIND_BY_EVENT = {
    "prompt": TurnFactKind.PROMPT,
    "model": TurnFactKind.MODEL,
    "answer": TurnFactKind.ANSWER,
    "interrupted": TurnFactKind.INTERRUPTED,
    "failed": TurnFactKind.FAILED,
    "refused": TurnFactKind.REFUSED,
}


def fact_of_event(event: Mapping[str, object], source: EvidenceSource = EvidenceSource.HOOK) -> TurnFact | None:
    kind = _KIND_BY_EVENT.get(str(event.get("hook_event_name")))
    return TurnFact(kind, str(event.get("text") or ""), str(event.get("turn") or ""), source) if kind else None


def fact_of_line(entry: Mapping[str, object]) -> TurnFact | None:
    return fact_of_event(entry, EvidenceSource.TRANSCRIPT)


def cost_of_line(entry: Mapping[str, object]) -> TokenCost | None:
    """Without tokens read from the vendor's cache."""
    tokens = entry.get("tokens")
    if entry.get("hook_event_name") != "tokens" or not isinstance(tokens, int):
        return None
    return TokenCost(str(entry.get("call") or ""), max(0, tokens))


def refusal_answer(reason: str) -> Mapping[str, object]:
    return {"refuse": reason}
