"""What a gateway's process makes is its owner's alone, whatever it was started with."""

from __future__ import annotations

import os
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.process_basics.process_hardening import InheritedLimits, descriptor_limit, make_process_private
from tests.support.gateways import DidNotStart, GatewayProcess

PR_GET_DUMPABLE = 3
HOLDS_A_TOKEN = f"""
import ctypes, resource
from gateway.process_basics import process_hardening
process_hardening.make_process_private()
process_hardening.hide_memory()
print(ctypes.CDLL(None).prctl({PR_GET_DUMPABLE}), resource.getrlimit(resource.RLIMIT_CORE)[0])
"""


def test_under_a_umask_of_nothing_all_is_private_and_files_are_many(tmp_path: Path) -> None:
    process = GatewayProcess(
        tmp_path / "deep" / "state",
        *("--log-file", str(tmp_path / "deep" / "state" / "gateway.log")),
        begin="umask 000; ulimit -S -n 128; ulimit -S -c unlimited",
    )
    process.state.mkdir(parents=True, mode=0o700)
    with process.running():
        limits = Path(f"/proc/{process.pid}/limits")
        if limits.exists():
            soft = {line[:25].strip(): line[25:].split()[0] for line in limits.read_text().splitlines()}
            assert soft["Max core file size"] == "0"
            assert int(soft["Max open files"]) == min(65536, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        made = [path for path in process.state.rglob("*") if not path.is_symlink()]
        assert len(made) > 5
        wide = {str(path): oct(path.stat().st_mode) for path in made if path.stat().st_mode & 0o077}
        assert not wide
        assert stat.S_IMODE(process.state.stat().st_mode) == 0o700


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux hides a process from others of its user")
def test_the_memory_of_a_process_with_tokens_is_not_to_be_read() -> None:
    done = subprocess.run([sys.executable, "-c", HOLDS_A_TOKEN], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["0", "0"]


def test_what_was_found_is_given_back() -> None:
    before = os.umask(0o027)
    core = resource.getrlimit(resource.RLIMIT_CORE)
    try:
        inherited = make_process_private()
        assert (inherited, resource.getrlimit(resource.RLIMIT_CORE)[0]) == (InheritedLimits(0o027, core), 0)
        inherited.give_back()
        assert resource.getrlimit(resource.RLIMIT_CORE) == core
        assert os.umask(before) == 0o027
    finally:
        os.umask(before)
        resource.setrlimit(resource.RLIMIT_CORE, core)


def test_the_limit_of_descriptors_is_a_number() -> None:
    assert descriptor_limit() > 0


def test_a_log_that_cannot_be_written_is_refused_with_a_sentence(tmp_path: Path) -> None:
    process = GatewayProcess(tmp_path / "state", "--log-file", str(tmp_path / "missing" / "gateway.log"))
    with pytest.raises(DidNotStart) as found:
        process.start()
    assert "No such file or directory. Choose another file with --log-file." in found.value.log
    assert "Traceback" not in found.value.log
