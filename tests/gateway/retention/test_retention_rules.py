"""What a setting means, and how far a cut may go."""

from __future__ import annotations

import pytest

from gateway.model.records.shared_document_records import ContextRecord
from gateway.protocol.errors import BadRequest
from gateway.protocol.types.core_types import ContextInfo
from gateway.retention.retention_rules import lowest, parse_keep, versions_to_remove, without_versions

SETTINGS = [
    ("90d", (7_776_000.0, None, "90 days")),
    (" 1D ", (86_400.0, None, "1 day")),
    ("12h", (43_200.0, None, "12 hours")),
    ("2w", (1_209_600.0, None, "2 weeks")),
    ("100000", (None, 100_000, "100,000 messages")),
]


@pytest.mark.parametrize(("text", "meaning"), SETTINGS)
def test_a_setting_is_a_time_or_a_number(text: str, meaning: tuple[float | None, int | None, str]) -> None:
    keep = parse_keep(text)
    assert keep is not None and (keep.seconds, keep.messages, keep.words) == meaning


def test_forever_keeps_all() -> None:
    assert parse_keep("Forever") is None


@pytest.mark.parametrize("text", ["", "0", "9", "0d", "1y", "-5", "3.5d", "1e9", "30s", "99999999999", "d"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        parse_keep(text)


@pytest.mark.parametrize(
    ("limits", "until"), [((), 100), ((None, None), 100), ((50, None), 49), ((50, 20), 19), ((101,), 100), ((0,), -1)]
)
def test_a_cut_stays_below_each_limit(limits: tuple[int | None, ...], until: int) -> None:
    assert lowest(limits, 100) == until


def record(version: int, removed: int = 0) -> ContextRecord:
    info = ContextInfo("#lab", "plan", version, 2, "ada", "2027-01-01T00:00:00.000Z")
    return ContextRecord(info, 7, 900, "x", removed)


# version now, removed before, versions in the log up to the cut, removed afterwards
VERSIONS = [
    pytest.param(120, 0, 0, 0, id="none is old"),
    pytest.param(120, 0, 30, 0, id="the first ones are needed to rebuild the next"),
    pytest.param(120, 0, 60, 49, id="up to the full copy before the first that stays"),
    pytest.param(120, 49, 55, 99, id="again, later"),
    pytest.param(120, 0, 120, 99, id="all are old: the newest stays, with what it rests on"),
    pytest.param(3, 0, 3, 0, id="few"),
]


@pytest.mark.parametrize(("version", "before", "old", "removed"), VERSIONS)
def test_versions_go_only_where_no_later_one_needs_them(version: int, before: int, old: int, removed: int) -> None:
    found = without_versions(record(version, before), old)
    assert found.removed == removed
    assert versions_to_remove(found).copies[-1:] == ((f"#lab/plan@{removed}",) if removed else ())
