"""Which files belong to each way of deploying, and how a template becomes one of them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.maintenance.service.service_files import MAX_STARTS, MAX_STARTS_WITHIN_S, RESTART_DELAY_S
from gateway.protocol.errors import BadRequest

DEFAULT_DOMAIN = "chat.example.org"
DEFAULT_PORT = 8765
_DOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*")
_IMAGE = re.compile(r"[a-z0-9][a-zA-Z0-9./:@_-]{0,255}")
_PLACE = re.compile(r"@([A-Z_]+)@")


class DeployTarget(StrEnum):
    DOCKER = "docker"
    COMPOSE = "compose"
    SYSTEMD = "systemd"
    K8S = "k8s"
    AKASH = "akash"


@dataclass(frozen=True)
class TemplateFile:
    """A file of a target: the name of its template, and its own name where the two differ. `secret`: nobody else may
    read it."""

    template: str
    name: str = ""
    secret: bool = False

    @property
    def target_name(self) -> str:
        return self.name or self.template


NEXT_STEPS: Mapping[DeployTarget, str] = {
    DeployTarget.DOCKER: "In a checkout of llm-groupchat: docker build -f {out}/Dockerfile -t {image} .",
    DeployTarget.COMPOSE: "cd {out} && docker compose up --detach",
    DeployTarget.SYSTEMD: "cp {out}/llm-groupchat.service /etc/systemd/system && systemctl enable --now llm-groupchat",
    DeployTarget.K8S: "kubectl apply -f {out}/sqlite.yaml -f {out}/ingress.yaml",
    DeployTarget.AKASH: "provider-services tx deployment create {out}/deploy.yaml --from KEY",
}
FILES: Mapping[DeployTarget, tuple[TemplateFile, ...]] = {
    DeployTarget.DOCKER: (TemplateFile("Dockerfile"), TemplateFile("Dockerfile.dockerignore")),
    DeployTarget.COMPOSE: (
        TemplateFile("compose.yaml"),
        TemplateFile("compose.redis.yaml"),
        TemplateFile("nginx.conf"),
        TemplateFile("env", ".env", secret=True),
    ),
    DeployTarget.SYSTEMD: (
        TemplateFile("llm-groupchat.service"),
        TemplateFile("redis.conf"),
        TemplateFile("nginx-site.conf"),
    ),
    DeployTarget.K8S: (
        TemplateFile("secrets.yaml", secret=True),
        TemplateFile("sqlite.yaml"),
        TemplateFile("redis.yaml"),
        TemplateFile("ingress.yaml"),
    ),
    DeployTarget.AKASH: (TemplateFile("deploy.yaml"),),
}


@dataclass(frozen=True)
class DeploySettings:
    """What differs from one house to the next. The two secrets are made new for each."""

    image: str
    team_token: str
    redis_password: str
    domain: str = DEFAULT_DOMAIN
    port: int = DEFAULT_PORT

    def __post_init__(self) -> None:
        if _DOMAIN.fullmatch(self.domain) is None:
            raise BadRequest(f"{self.domain[:80]!r} is not the name of a host, such as {DEFAULT_DOMAIN}.")
        if _IMAGE.fullmatch(self.image) is None:
            raise BadRequest(f"{self.image[:80]!r} is not the name of an image, such as llm-groupchat:0.1.0.")

    @property
    def values(self) -> dict[str, str]:
        return {
            "IMAGE": self.image,
            "DOMAIN": self.domain,
            "PORT": str(self.port),
            "TEAM_TOKEN": self.team_token,
            "REDIS_PASSWORD": self.redis_password,
            "RESTART_DELAY_S": str(RESTART_DELAY_S),
            "MAX_STARTS": str(MAX_STARTS),
            "MAX_STARTS_WITHIN_S": str(MAX_STARTS_WITHIN_S),
        }


def fill_template(template: str, settings: DeploySettings) -> str:
    """The file that a template describes. Only names in capitals between two `@` are places."""
    values = settings.values
    return _PLACE.sub(lambda match: values.get(match[1], match[0]), template)
