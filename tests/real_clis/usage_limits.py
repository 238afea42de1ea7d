"""How vendors refuse a request when a usage limit is reached: status, headers and body, as their own programs read
them. What speaks for many vendors gets the words of one of them."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from tests.fakes.models.model import Seen
from tests.fakes.models.script import Reply

VIBE_REPEATS_FOR_S = 300.0


@dataclass
class LimitOfMinutes:
    """What answers a model's requests: refusals until the last minute that begins within `within_s` of the first one,
    for vendors name the minute; then an answer. How long a CLI takes until its first request does not count."""

    refusal: Callable[[int], Reply]
    then: Reply
    within_s: float = 85.0
    resets: int = 0

    def __call__(self, _: Seen) -> Reply:
        self.resets = self.resets or int(time.time() + self.within_s) // 60 * 60
        return self.refusal(self.resets) if time.time() < self.resets else self.then


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


def opencode_limit(resets: int) -> Reply:
    """A provider that says in a header alone when it answers again."""
    error = {"type": "rate_limit_error", "message": "Rate limited: the usage of this plan is used up."}
    headers = {"retry-after": str(max(1, resets - int(time.time())))}
    return Reply(status=429, refusal={"type": "error", "error": error}, headers=headers)


def qwen_limit(resets: int) -> Reply:
    """The quota of a plan, with its end in the words. Qwen Code does not repeat such a request."""
    ends = f"{datetime.fromtimestamp(resets, UTC):%Y-%m-%d %H:%M:%S} UTC"
    return openai_refusal("quota_exceeded", f"Usage quota exceeded. Your quota will reset at {ends}")


def copilot_limit(resets: int) -> Reply:
    """Of a provider of one's own: without an account, Copilot uses no other. It repeats any 429 for a minute."""
    ends = f"{datetime.fromtimestamp(resets, UTC):%Y-%m-%d %H:%M:%S} UTC"
    return openai_refusal("rate_limit_exceeded", f"Usage limit reached. Your limit will reset at {ends}")


def vibe_limit(resets: int) -> Reply:
    """In Qwen Code's words. Vibe repeats a request that is answered within five minutes by itself; it does not repeat
    one whose header names a later time, and none with the status of a payment."""
    seconds = max(1, resets - int(time.time()))
    if seconds > VIBE_REPEATS_FOR_S:
        return replace(qwen_limit(resets), headers={"retry-after": str(seconds)})
    return replace(qwen_limit(resets), status=402)


def qwen_free_limit(_: int) -> Reply:
    """Qwen's own words, without an end. Qwen Code repeats the request for many minutes."""
    return openai_refusal("insufficient_quota", "Free allocated quota exceeded.")


def opencode_free_limit(_: int) -> Reply:
    """Words without an end, and no header. OpenCode repeats the request a few times."""
    error = {"type": "rate_limit_error", "message": "You exceeded your current quota."}
    return Reply(status=429, refusal={"type": "error", "error": error})


def pi_free_limit(_: int) -> Reply:
    """The same. Pi repeats the request, too."""
    return openai_refusal("rate_limit_exceeded", "You exceeded your current quota.")


def openai_refusal(code: str, message: str, status: int = 429) -> Reply:
    error = {"message": message, "type": code, "param": None, "code": code}
    return Reply(status=status, refusal={"error": error})


def opencode_go_limit(resets: int) -> Reply:
    """The limit of OpenCode's own plan, in which it reads the end in the header."""
    error = {"type": "GoUsageLimitError", "message": "5 hour usage limit reached"}
    more = {"metadata": {"workspace": "wrk_1", "limitName": "5 hour"}}
    headers = {"retry-after": str(max(1, resets - int(time.time())))}
    return Reply(status=429, refusal={"type": "error", "error": error, **more}, headers=headers)
