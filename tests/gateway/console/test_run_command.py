"""What a command says when it is stopped by Ctrl-C."""

from __future__ import annotations

import pytest
import typer

from gateway.console.run_command import run


@pytest.mark.parametrize(
    ("as_json", "sentence", "said"),
    [(False, "Stopped. Go on.", "Stopped. Go on."), (False, "", ""), (True, "Stopped. Go on.", "")],
)
def test_what_is_said_after_ctrl_c(as_json: bool, sentence: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    async def work() -> None:
        raise KeyboardInterrupt

    with pytest.raises(typer.Exit) as ended:
        run(work, as_json=as_json, when_stopped=sentence)
    assert ended.value.exit_code == 130
    shown = capsys.readouterr()
    assert (shown.out, shown.err.strip()) == ("", said)
