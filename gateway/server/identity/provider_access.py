"""Lets members in with tokens of identity providers: which keys to try, whom a token stands for, what was revoked."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import structlog

from gateway.access.claim_mapping import IssuerSettings, member_of_claims
from gateway.access.permissions import Actor
from gateway.access.provider_token_record import NOT_ACCEPTED_TEXT, ProviderMember, check_still_valid
from gateway.access.provider_tokens import KeySet, UncheckedToken, check_provider_token, read_form
from gateway.access.rate_limit import Rate, TokenBuckets
from gateway.access.tokens import token_digest
from gateway.operations import dispatch
from gateway.operations.access.admission import admit_identity
from gateway.operations.access.provider_members import identify_provider_member
from gateway.process_basics.tasks import spawn
from gateway.protocol.errors import GroupChatError, Unauthorized
from gateway.protocol.requests.member_requests import RevokeToken
from gateway.runtime.config import Config
from gateway.runtime.hub import Hub
from gateway.server.identity.identity_file import file_beside, key_source_of, read_identity_file, read_revoked
from gateway.server.identity.provider_keys import ProviderKeys
from gateway.server.state_folder.startup_tokens import system_actor

log = structlog.get_logger("gateway.server.identity")

MAX_REMEMBERED = 2000  # checked tokens of an issuer
REVOKED_INTERVAL_S = 2.0
NEW_TOKEN_RATE = Rate(burst=20, per_second=0.2)
NEW_TOKEN_TEXT = "comes with more than {} new tokens a second"


class AcceptedProvider:
    """One issuer: its settings, its keys, and the tokens that were checked with them."""

    def __init__(self, settings: IssuerSettings, settings_file: Path) -> None:
        self._settings, self._accepted = settings, settings.accepted()
        source = key_source_of(settings_file, settings)
        self.keys = ProviderKeys(settings.issuer, source, self._accepted.algorithms, settings.refresh)
        self._checked: dict[str, ProviderMember] = {}
        self._checked_with: KeySet | None = None
        self._revoked_file = file_beside(settings_file, settings.revoked) if settings.revoked else None
        self.revoked = read_revoked(self._revoked_file) if self._revoked_file is not None else frozenset[str]()
        self._is_unreadable = False

    async def check(self, unchecked: UncheckedToken, now: float) -> ProviderMember:
        keys = await self.keys.find(unchecked.kid)
        if keys is not self._checked_with:
            self._checked, self._checked_with = {}, keys
        digest = token_digest(unchecked.text)
        proven = self._checked.get(digest)
        if proven is None:
            token, claims = check_provider_token(unchecked, self._accepted, keys, now)
            proven = member_of_claims(self._settings, token, claims)
            self._remember(digest, proven)
        check_still_valid(proven.token, now)
        if proven.token.jti in self.revoked:
            raise Unauthorized(NOT_ACCEPTED_TEXT)
        return proven

    def _remember(self, digest: str, proven: ProviderMember) -> None:
        if len(self._checked) >= MAX_REMEMBERED:
            del self._checked[next(iter(self._checked))]
        self._checked[digest] = proven

    async def look_at_revoked(self) -> None:
        """A file that cannot be read any more leaves in force what it said last."""
        if self._revoked_file is None:
            return
        try:
            self.revoked = await asyncio.to_thread(read_revoked, self._revoked_file)
            self._is_unreadable = False
        except GroupChatError as error:
            if not self._is_unreadable:
                log.warning("! the list of revoked tokens cannot be read; the last one holds", error=error.message)
            self._is_unreadable = True


class ProviderAccess:
    def __init__(self, hub: Hub, settings_file: Path) -> None:
        self._hub = hub
        settings = read_identity_file(settings_file)
        self.providers = {one.issuer: AcceptedProvider(one, settings_file) for one in settings.issuer}
        self._new_tokens = TokenBuckets(NEW_TOKEN_RATE, NEW_TOKEN_TEXT)

    async def identify(self, token: str) -> Actor:
        unchecked = read_form(token)
        provider = self.providers.get(unchecked.issuer)
        if provider is None:
            raise Unauthorized(NOT_ACCEPTED_TEXT)
        proven = await provider.check(unchecked, self._hub.now)
        actor = identify_provider_member(self._hub.state, proven, self._hub.now)
        if actor is None:
            self._new_tokens.take(f"{proven.name} ({proven.token.identity.subject[:80]})", time.monotonic())
            await admit_identity(self._hub, proven)
            actor = identify_provider_member(self._hub.state, proven, self._hub.now)
        if actor is None:
            raise Unauthorized(NOT_ACCEPTED_TEXT)
        return actor

    async def watch_revoked(self) -> None:
        while True:
            await asyncio.sleep(REVOKED_INTERVAL_S)
            for provider in self.providers.values():
                await provider.look_at_revoked()
            await self.revoke_listed()

    async def revoke_listed(self) -> None:
        """Revoke in the log what the files list: that ends open connections, also at other gateways."""
        listed = {issuer: one.revoked for issuer, one in self.providers.items() if one.revoked}
        if not listed:
            return
        found = [
            one.id
            for one in self._hub.state.tokens.values()
            if one.provider is not None
            and not one.revoked
            and one.provider.jti in listed.get(one.provider.identity.issuer, ())
        ]
        for key in found:
            try:
                await dispatch.run_operation(self._hub, system_actor(), RevokeToken(name=key))
            except GroupChatError as error:
                log.warning("! a token that is listed as revoked could not be revoked yet", error=error.message)

    async def stop(self) -> None:
        for one in self.providers.values():
            await one.keys.stop()


@contextlib.asynccontextmanager
async def open_providers(config: Config, hub: Hub) -> AsyncIterator[None]:
    """Accept tokens of the identity providers that the configuration names. Without `--jwt` there is nothing to do."""
    if config.jwt is None:
        yield
        return
    access = ProviderAccess(hub, config.jwt)
    watching = spawn(access.watch_revoked(), "lists of revoked tokens")
    hub.providers = access
    try:
        yield
    finally:
        hub.providers = None
        watching.cancel()
        await asyncio.wait([watching])
        await access.stop()
