"""The image of `groupchat deploy docker`, without a container engine: its own steps build it in plain roots, its user
runs its entry point without a network, and its health check says so."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from gateway.maintenance.deploy.deploy_files import DeploySettings, DeployTarget
from gateway.maintenance.deploy.deploy_verb import write_deployment
from tests.support.plain_root import PlainRoot, need_plain_roots, stages_in

ROOT = Path(__file__).parents[2]
# A gateway as the image starts it; then what a health check, a person and the end of a container do.
LIFE = """
as_user="setpriv --reuid {uid} --regid {gid} --clear-groups --no-new-privs --bounding-set=-all"
$as_user {health} && exit 10
$as_user {entry} & gateway=$!
tries=0
until $as_user {health} 2>/state/health; do
    tries=$((tries + 1)); [ $tries -lt 120 ] || exit 11
    kill -0 $gateway || exit 12
    sleep 0.5
done
$as_user groupchat token create alice --kind human --json > /state/made || exit 13
$as_user groupchat status --json > /state/status || exit 14
stat -c %U:%a /state/groupchat > /state/owner 2>&1
kill -TERM $gateway; wait $gateway; code=$?
$as_user {health} && exit 15
[ $code -eq 0 ] || exit $((100 + code))
"""

pytestmark = [pytest.mark.processes, pytest.mark.slow]


def test_the_image_is_built_by_its_own_steps_and_its_entry_point_answers(tmp_path: Path) -> None:
    need_plain_roots()
    write_deployment(DeployTarget.DOCKER, tmp_path / "out", DeploySettings("image", "a", "b"), replace=False)
    stages = list(stages_in((tmp_path / "out" / "Dockerfile").read_text()))
    roots: dict[str, PlainRoot] = {}
    for number, stage in enumerate(stages):
        root = PlainRoot(tmp_path / f"stage-{number}", ROOT, roots)
        root.prepare_base()
        root.carry_out(stage)
        roots[stage.name] = root
    last, image = roots[""], stages[-1]

    tools = [path.name for path in (last.upper / "opt/groupchat/bin").iterdir()]
    assert "groupchat" in tools and not [one for one in tools if one.startswith(("pip", "hatch"))]
    uid, gid = image.user.split(":")
    assert int(uid) > 0
    script = LIFE.format(uid=uid, gid=gid, entry=shlex.join(image.entry), health=shlex.join(image.health))
    last.run(script, before=" && ip link set lo up")

    state = last.upper / "state"
    assert json.loads((state / "health").read_text().splitlines()[-1])["status"] == "ok"
    assert json.loads((state / "made").read_text())["token"]
    assert json.loads((state / "status").read_text())["status"] == "ok"
    assert (state / "groupchat").stat().st_uid == int(uid) and (state / "groupchat").stat().st_mode & 0o077 == 0
