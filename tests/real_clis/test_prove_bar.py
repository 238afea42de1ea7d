"""`bin/prove-clis` shows a bar on a terminal, and there the output of its steps goes into their logs alone."""

from __future__ import annotations

import pytest

from gateway.console.progress_bar import ProgressBar
from tests.real_clis import prove
from tests.real_clis.releases import Release

NOISE = "print('noise of a step')"


@pytest.mark.processes
@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_step_advances_the_bar_and_keeps_its_output(
    is_terminal: bool,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    drawn: list[str] = []
    bar = ProgressBar("prove-clis", "steps", prove.STEPS, write=drawn.append if is_terminal else None)
    found = prove.Found(Release("claude", "0.0.0-of-a-test"), bar)
    monkeypatch.setattr(prove.Found, "kept", tmp_path_factory.mktemp("kept"))
    good, text = prove.run(found, "profile", "-c", NOISE)
    assert good and "noise" in text and "noise" in (found.kept / "profile.log").read_text()
    assert ("noise" in capsys.readouterr().out) is not is_terminal
    assert bar.done == 1 and bool(drawn) is is_terminal
