"""The maker of the README's moving picture, on a tiny run."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from tests.support.draw_film import film
from tests.support.film import film_svg

pytestmark = pytest.mark.slow


async def test_a_message_is_filmed_as_it_is_typed_and_answered() -> None:
    frames = await film(("a_message",))
    screens = ["\n".join(frame.rows) for frame in frames]
    typed = [screen for screen in screens if "@ada say The" in screen]
    assert len(typed) >= 3, "it was typed key by key"
    assert "ada answered" in screens[-1] and "ada answered" not in screens[0]
    assert 3 < sum(frame.seconds for frame in frames) < 60
    ElementTree.fromstring(film_svg(frames, 120, "A tiny film"))
