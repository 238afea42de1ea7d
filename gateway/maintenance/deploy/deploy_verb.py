"""Write the files by which a gateway is deployed.

The files are for reading and changing; nothing is started.
"""

from __future__ import annotations

import secrets
import shlex
from pathlib import Path
from typing import Annotated

import typer

import gateway
from gateway.command_line.common_options import given
from gateway.console.console_output import print_json, print_lines
from gateway.files.private_files import write_private
from gateway.maintenance.deploy.deploy_files import (
    DEFAULT_DOMAIN,
    DEFAULT_PORT,
    FILES,
    NEXT_STEPS,
    DeploySettings,
    DeployTarget,
    TemplateFile,
    fill_template,
)
from gateway.protocol.errors import Conflict

TEMPLATES = Path(__file__).parent / "templates"
SECRET_BYTES = 32
PUBLIC_MODE = 0o644  # systemd and containers read them as others; our programs make private files unless told otherwise


def deploy(
    ctx: typer.Context,
    target: Annotated[DeployTarget, typer.Argument(metavar="TARGET", help="For what the files are.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="The folder for the files.")],
    domain: Annotated[
        str, typer.Option(metavar="NAME", help="The name by which people and agents reach the gateway.")
    ] = DEFAULT_DOMAIN,
    image: Annotated[
        str | None, typer.Option(metavar="IMAGE", help="The image (default: llm-groupchat and this version).")
    ] = None,
    port: Annotated[int, typer.Option(metavar="N", min=1, max=65535, help="The gateway's port.")] = DEFAULT_PORT,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
) -> None:
    """Write the files by which a gateway is deployed.

    TARGET is docker, compose, systemd (with nginx), k8s or akash. Files with secrets are for nobody else to read; the
    secrets are new ones.

    Examples:
      groupchat deploy docker --out deploy
      groupchat deploy k8s --out k8s --domain chat.example.org
    """
    context = given(ctx)
    settings = DeploySettings(
        image=image or f"llm-groupchat:{gateway.__version__}",
        team_token=secrets.token_urlsafe(SECRET_BYTES),
        redis_password=secrets.token_urlsafe(SECRET_BYTES),
        domain=domain,
        port=port,
    )
    written = write_deployment(target, out, settings, replace=force)
    if context.as_json:
        print_json({"target": target, "files": [str(one) for one in written]})
    else:
        step = NEXT_STEPS[target].format(out=shlex.quote(str(out)), image=shlex.quote(settings.image))
        print_lines(*(f"Wrote {one}" for one in written), "Next (docs/guides/deploy.md says more):", f"  {step}")


def write_deployment(target: DeployTarget, out: Path, settings: DeploySettings, *, replace: bool) -> list[Path]:
    """Write all files of a target, or none if one is there and may not be replaced."""
    paths = {one: out / one.target_name for one in FILES[target]}
    there = [path for path in paths.values() if path.exists()]
    if there and not replace:
        raise Conflict(f"{there[0]} is there already. Choose another folder, or replace it with --force.")
    out.mkdir(parents=True, exist_ok=True)
    for one, path in paths.items():
        _write(one, path, fill_template((TEMPLATES / target / one.template).read_text(), settings))
    return list(paths.values())


def _write(one: TemplateFile, path: Path, text: str) -> None:
    if one.secret:
        write_private(path, text)
    else:
        path.write_text(text)
        path.chmod(PUBLIC_MODE)
