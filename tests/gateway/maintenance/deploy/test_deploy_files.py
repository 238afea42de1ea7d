"""The files of `groupchat deploy`: what is written, that it keeps to the published schemas, and that it is careful."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

import gateway
from gateway.cli import app
from gateway.maintenance.deploy.deploy_files import FILES, NEXT_STEPS, DeploySettings, DeployTarget, fill_template
from gateway.maintenance.deploy.deploy_verb import TEMPLATES, write_deployment
from gateway.protocol.errors import BadRequest, Conflict

ROOT = Path(__file__).parents[4]
SCHEMAS = Path(sys.prefix) / "schemas"  # where bin/run-tests puts the packages that hold them
KUBERNETES_VERSIONS = ("1.29", "1.37")
SECRETS = ("team-token-of-a-test", "redis-password-of-a-test")
SETTINGS = DeploySettings(f"llm-groupchat:{gateway.__version__}", *SECRETS)
Document = dict[str, Any]
WORKLOADS = ("StatefulSet", "Deployment")
CHOOSING = {"Service": "selector", "NetworkPolicy": "podSelector", "PodDisruptionBudget": "selector"}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    for target in DeployTarget:
        write_deployment(target, tmp_path / target, SETTINGS, replace=False)
    return tmp_path


@pytest.fixture
def schemas(monkeypatch: pytest.MonkeyPatch) -> None:
    if not SCHEMAS.exists():
        pytest.skip("the published schemas are not there: bin/run-tests fetches them")
    monkeypatch.syspath_prepend(str(SCHEMAS))


def documents(out: Path, name: str = "*.yaml") -> Iterator[tuple[str, Document]]:
    for path in sorted((out / "k8s").glob(name)):
        yield from ((path.name, one) for one in yaml.safe_load_all(path.read_text()))


def pods(out: Path) -> list[Document]:
    return [one["spec"]["template"]["spec"] for _, one in documents(out) if one["kind"] in WORKLOADS]


# what is written


def test_the_folder_of_the_repository_has_what_the_verb_writes(out: Path) -> None:
    """But for the files with secrets, which are new for each house."""
    for target, files in FILES.items():
        there = {path.name for path in (ROOT / "deploy" / target).iterdir()}
        assert there == {one.target_name for one in files if not one.secret}
        for one in files:
            if not one.secret:
                written = (out / target / one.target_name).read_text()
                assert (ROOT / "deploy" / target / one.target_name).read_text() == written, one


def test_every_template_is_a_file_of_its_target() -> None:
    for target, files in FILES.items():
        assert {path.name for path in (TEMPLATES / target).iterdir()} == {one.template for one in files}


def test_no_place_stays_empty(out: Path) -> None:
    for path in (path for path in out.rglob("*") if path.is_file()):
        assert not re.search(r"@[A-Z_]+@", path.read_text()), path


def test_the_verb_writes_all_and_replaces_nothing_by_itself(tmp_path: Path) -> None:
    line = ["deploy", "compose", "--out", str(tmp_path / "out"), "--domain", "chat.test", "--port", "9000"]
    done = CliRunner().invoke(app, line)
    assert done.exit_code == 0, done.output
    secret = tmp_path / "out" / ".env"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    first = secret.read_text()
    values = re.findall(r"^\w+=(.+)$", first, re.MULTILINE)
    assert len({*values}) == 2 and all(len(one) > 40 for one in values)
    assert not any(one in done.output for one in values)
    text = (tmp_path / "out" / "compose.yaml").read_text()
    assert "chat.test" in text and "127.0.0.1:9000:9000" in text and "chat.example.org" not in text
    again = CliRunner().invoke(app, line)
    assert again.exit_code == 1 and "is there already" in again.output
    assert secret.read_text() == first
    assert CliRunner().invoke(app, [*line, "--force"]).exit_code == 0
    assert secret.read_text() != first


def test_others_may_read_what_is_no_secret(tmp_path: Path) -> None:
    before = os.umask(0o077)  # as the programs have it
    try:
        written = write_deployment(DeployTarget.COMPOSE, tmp_path / "out", SETTINGS, replace=False)
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in written}
    assert modes.pop(".env") == 0o600 and set(modes.values()) == {0o644}


def test_nothing_is_written_if_one_file_is_there(tmp_path: Path) -> None:
    (tmp_path / "nginx.conf").write_text("mine")
    with pytest.raises(Conflict):
        write_deployment(DeployTarget.COMPOSE, tmp_path, SETTINGS, replace=False)
    assert [path.name for path in tmp_path.iterdir()] == ["nginx.conf"]


@pytest.mark.parametrize("domain", ["", "a b", "x;y", "-x.org", "x.org\nlisten 80", "a" * 300, "$host", "x_y.org"])
def test_a_name_that_would_spoil_a_file_is_refused(domain: str) -> None:
    with pytest.raises(BadRequest):
        DeploySettings("image", *SECRETS, domain=domain)


@pytest.mark.parametrize("image", ["", "a b", 'x"', "x\ny: z", "{x}"])
def test_an_image_that_would_spoil_a_file_is_refused(image: str) -> None:
    with pytest.raises(BadRequest):
        DeploySettings(image, *SECRETS)


def test_what_is_no_place_stays() -> None:
    assert fill_template("SystemCallFilter=@system-service @PORT@ @OTHER@", SETTINGS) == (
        "SystemCallFilter=@system-service 8765 @OTHER@"
    )


# Docker


def stages_of(dockerfile: str) -> list[str]:
    return re.split(r"^FROM ", dockerfile, flags=re.MULTILINE)[1:]


def test_the_image_runs_as_nobody_in_particular_and_cannot_install_anything(out: Path) -> None:
    first, last = stages_of((out / "docker" / "Dockerfile").read_text())
    assert "--require-hashes --only-binary :all:" in first
    assert re.findall(r"^USER (\S+)$", last, re.MULTILINE) == ["10001:10001"]
    assert "pip uninstall" in last and "pip install" not in last and "apt-get" not in last
    assert re.search(r"^HEALTHCHECK .*CMD \[", last, re.MULTILINE)
    assert re.search(r'^ENTRYPOINT \["groupchat", "serve"', last, re.MULTILINE)


def test_what_the_image_copies_is_let_into_the_build(out: Path) -> None:
    first, _ = stages_of((out / "docker" / "Dockerfile").read_text())
    copied = {word for line in re.findall(r"^COPY (.+)$", first, re.MULTILINE) for word in line.split()[:-1]}
    let_in = (out / "docker" / "Dockerfile.dockerignore").read_text().splitlines()
    assert {line.removeprefix("!") for line in let_in if line.startswith("!")} == copied
    assert all((ROOT / one).exists() for one in copied)


# Compose


@pytest.mark.usefixtures("schemas")
@pytest.mark.parametrize("name", ["compose.yaml", "compose.redis.yaml"])
def test_compose_keeps_to_its_specification(out: Path, name: str) -> None:
    compose_spec: Any = import_module("compose_spec")
    options = compose_spec.PyOptions(apply_merge=True)
    found = options.from_yaml((out / "compose" / name).read_text()).to_dict()
    broken = (out / "compose" / name).read_text().replace("restart: unless-stopped", "restart: sometimes")
    with pytest.raises(Exception, match="sometimes"):
        options.from_yaml(broken)
    assert found["services"]


@pytest.mark.parametrize("name", ["compose.yaml", "compose.redis.yaml"])
def test_compose_is_careful(out: Path, name: str) -> None:
    services = yaml.safe_load((out / "compose" / name).read_text())["services"]
    assert len([one for one in services if one.startswith("gateway")]) == (1 if name == "compose.yaml" else 3)
    volumes = [volume for one in services.values() for volume in one.get("volumes", [])]
    assert len({*volumes}) == len(volumes), "no two share a volume"
    for service, one in services.items():
        assert all(port.startswith("127.0.0.1:") for port in one.get("ports", [])), "a proxy with TLS stands in front"
        assert all(secret not in str(one) for secret in SECRETS)
        if service.startswith("gateway"):
            assert one["read_only"] and one["cap_drop"] == ["ALL"] and one["restart"]
    if name == "compose.redis.yaml":
        assert services["gateway-1"]["environment"]["GROUPCHAT_ADVERTISE"] == "http://gateway-1:8765"
        assert "--appendfsync always" in services["redis"]["command"][-1]


# Kubernetes


@pytest.mark.usefixtures("schemas")
@pytest.mark.parametrize("version", KUBERNETES_VERSIONS)
def test_kubernetes_keeps_to_the_published_schemas(out: Path, version: str) -> None:
    kubernetes_validate: Any = import_module("kubernetes_validate")
    for name, one in documents(out):
        kubernetes_validate.validate(one, version, strict=True), name
        with pytest.raises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate({**one, "metadta": {}}, version, strict=True)


def test_pods_are_careful(out: Path) -> None:
    for pod in pods(out):
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] > 0
        (container,) = pod["containers"]
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert not container["securityContext"]["allowPrivilegeEscalation"]
        assert container["readinessProbe"] and container["livenessProbe"] and container["resources"]["limits"]
        mounted = {one["mountPath"] for one in container["volumeMounts"]}
        assert "/state" in mounted or "/data" in mounted


def test_selectors_and_names_fit_together(out: Path) -> None:
    for name in ("sqlite.yaml", "redis.yaml"):
        found = [one for _, one in documents(out, name)]
        workloads = {one["metadata"]["name"]: one for one in found if one["kind"] in WORKLOADS}
        for one in workloads.values():
            assert one["spec"]["selector"]["matchLabels"] == one["spec"]["template"]["metadata"]["labels"]
        for kind, path in CHOOSING.items():
            for one in (one for one in found if one["kind"] == kind):
                chosen = one["spec"][path]
                chosen = chosen.get("matchLabels", chosen)
                assert chosen == workloads[one["metadata"]["name"]]["spec"]["selector"]["matchLabels"]
        assert {one["metadata"]["name"] for one in found if one["kind"] == "NetworkPolicy"} == set(workloads)


def test_one_gateway_on_sqlite_and_several_on_redis(out: Path) -> None:
    (single,) = [one for _, one in documents(out, "sqlite.yaml") if one["kind"] == "StatefulSet"]
    assert single["spec"]["replicas"] == 1 and single["spec"]["volumeClaimTemplates"]
    (several,) = [one for _, one in documents(out, "redis.yaml") if one["kind"] == "Deployment"]
    assert several["spec"]["replicas"] == 3
    (container,) = several["spec"]["template"]["spec"]["containers"]
    taken = {one["valueFrom"]["secretKeyRef"]["key"] for one in container["env"] if "secretKeyRef" in one["valueFrom"]}
    ((_, secret),) = documents(out, "secrets.yaml")
    assert taken == set(secret["stringData"]) and set(secret["stringData"].values()) == set(SECRETS)
    assert "http://$(POD_IP):8765" in container["args"]


# systemd


@pytest.mark.processes
def test_the_units_are_valid_for_systemd(out: Path, tmp_path: Path) -> None:
    """With a program at the place that the unit names: verify looks for it."""
    program = shutil.which("systemd-analyze") or pytest.skip("systemd is not installed: its units are not verified")
    home = tmp_path / "opt"
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "groupchat").symlink_to("/bin/true")
    units = tmp_path / "units"
    (units / "llm-groupchat.service.d").mkdir(parents=True)
    for source, name in (("llm-groupchat.service", ""), ("redis.conf", "llm-groupchat.service.d/redis.conf")):
        text = (out / "systemd" / source).read_text().replace("/opt/llm-groupchat", str(home))
        (units / (name or source)).write_text(text)
        verify = [program, "verify", str(units / "llm-groupchat.service")]
        done = subprocess.run(verify, capture_output=True, text=True, timeout=120, check=False)
        mine = [line for line in done.stderr.splitlines() if "groupchat" in line or str(units) in line]
        assert done.returncode == 0 and mine == [], done.stderr


# Akash


def test_the_akash_file_fits_together(out: Path) -> None:
    found = yaml.safe_load((out / "akash" / "deploy.yaml").read_text())
    assert found["version"] == "2.0" and set(found) == {"version", "services", "profiles", "deployment"}
    assert set(found["services"]) == set(found["deployment"])
    for name, service in found["services"].items():
        ((place, choice),) = found["deployment"][name].items()
        compute = found["profiles"]["compute"][choice["profile"]]["resources"]
        assert set(compute) == {"cpu", "memory", "storage"}
        assert name in found["profiles"]["placement"][place]["pricing"]
        named = {one.get("name") for one in compute["storage"]} - {None}
        assert set(service["params"]["storage"]) == named
        (kept,) = [one for one in compute["storage"] if one.get("name") == "state"]
        assert kept["attributes"]["persistent"] is True
        (door,) = service["expose"]
        assert door["as"] == 80 and door["to"] == [{"global": True}], "the provider ends TLS"
        assert choice["count"] == 1, "one gateway on SQLite"


@pytest.mark.parametrize("target", DeployTarget)
def test_the_next_step_names_files_that_were_written(target: DeployTarget) -> None:
    step = NEXT_STEPS[target].format(out="OUT", image="IMAGE")
    written = {one.target_name for one in FILES[target]}
    assert set(re.findall(r"OUT/(\S+)", step)) <= written
    assert "OUT" in step
