"""How vendors refuse a request when a usage limit is reached: status, headers and body, as their own programs read
them."""

from collections.abc import Mapping

from tests.fakes.models.script import Reply


def claude_limit(resets: int, claim: str = "five_hour") -> Reply:
    """A subscription's limit. `claim` is which: `five_hour` or `seven_day`."""
    headers: Mapping[str, str] = {
        "anthropic-ratelimit-unified-status": "rejected",
        "anthropic-ratelimit-unified-reset": str(resets),
        "anthropic-ratelimit-unified-representative-claim": claim,
        "x-should-retry": "false",
    }
    error = {"type": "rate_limit_error", "message": "This request would exceed your account's rate limit."}
    return Reply(status=429, refusal={"type": "error", "error": error}, headers=headers)


def codex_limit(resets: int, plan: str = "plus") -> Reply:
    error = {"type": "usage_limit_reached", "message": "The usage limit has been reached", "plan_type": plan}
    return Reply(status=429, refusal={"error": {**error, "resets_at": resets}})


def gemini_limit(_: int) -> Reply:
    """The quota of a day."""
    violation = {"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}
    kind = "type.googleapis.com/google.rpc."
    details = [
        {"@type": f"{kind}QuotaFailure", "violations": [violation]},
        {"@type": f"{kind}RetryInfo", "retryDelay": "34074s"},
    ]
    error = {"code": 429, "message": "You exceeded your current quota.", "status": "RESOURCE_EXHAUSTED"}
    return Reply(status=429, refusal={"error": {**error, "details": details}})
