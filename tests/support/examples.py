"""The number of examples that Hypothesis tries: few with --fast, the test's own number in a usual run, more in a
thorough one.

`EXAMPLES=thorough bin/run-tests` tries the most. A test that states its own number states it as `examples(400)`.
"""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import settings

USUAL_COUNT = 100  # Hypothesis's own default
PROFILES = {"fast": 10, "usual": USUAL_COUNT, "thorough": 500}


def profile_of(env: Mapping[str, str], fast: bool) -> str:
    name = env.get("EXAMPLES") or ("fast" if fast else "usual")
    if name not in PROFILES:
        raise ValueError(f"EXAMPLES is one of {', '.join(PROFILES)}, not {name!r}.")
    return name


def load(name: str) -> None:
    for profile, count in PROFILES.items():
        settings.register_profile(
            profile, max_examples=count, deadline=None
        )  # it would measure the load of the machine
    settings.load_profile(name)


def examples(usual: int) -> int:
    """`usual` in a usual run, and in proportion in the others."""
    return max(1, usual * settings().max_examples // USUAL_COUNT)
