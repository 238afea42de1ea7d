"""The log cannot fill the disk, and is its owner's alone."""

from pathlib import Path

from gateway.files.capped_log import CappedLog


def test_it_begins_anew_when_it_is_full_and_keeps_one_older(tmp_path: Path) -> None:
    log = CappedLog(tmp_path / "sidecar.log", most=30)
    for number in range(10):
        log.write(f"line number {number}\n")
    log.flush()
    assert (tmp_path / "sidecar.log").read_text() == "line number 8\nline number 9\n"
    assert (tmp_path / "sidecar.log.old").read_text() == "line number 6\nline number 7\n"
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    assert len(list(tmp_path.iterdir())) == 2
    log.close()


def test_what_an_earlier_one_wrote_counts(tmp_path: Path) -> None:
    (tmp_path / "sidecar.log").write_text("x" * 29)
    log = CappedLog(tmp_path / "sidecar.log", most=30)
    log.write("new\n")
    log.close()
    assert (tmp_path / "sidecar.log").read_text() == "new\n"


def test_a_full_disk_stops_nothing() -> None:
    log = CappedLog(Path("/dev/full"))
    assert log.write("line\n") == 5
    log.flush()
    log.close()
