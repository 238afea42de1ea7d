"""A gateway process: store, hub and doors put together; started, announced, and stopped without losing a word."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import gc
import hashlib
import os
import secrets
import signal
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import msgspec
import structlog
from aiohttp import web

from gateway import member_tokens, metrics, mode_files, settling, start_errors, token_places
from gateway.api import auth, mcp_proxy, openapi, rest
from gateway.api.errors import clear_errors
from gateway.api.event_stream import full_stream
from gateway.api.origins import LOOPBACK_NAMES, Hosts
from gateway.api.websocket import full_socket
from gateway.aside import take_short_turns
from gateway.asks import REMIND_AFTER
from gateway.client import process_limits
from gateway.client.acceptor import BACKLOG, IDLE_FOR, Limiter
from gateway.client.admission import Bounds
from gateway.client.endpoint import DEFAULT_PORT, port_of
from gateway.client.local_socket import GATEWAY_SOCKET, listening_in
from gateway.client.private_files import check_own, open_private, own_file, private_folder, write_private
from gateway.client.running import GATEWAY_FILE, GIVEN_UP_FILE, LOCK_FILE, Running
from gateway.client.tasks import spawn
from gateway.client.token_files import read_secret, read_token, team_token_file, token_file
from gateway.deadlines import Deadlines
from gateway.dialects import csp
from gateway.facts import Ruling
from gateway.floor import Patience
from gateway.hub import GUEST_RATE, Hub, Settings
from gateway.leash import NO_LEASH, Leash, seconds
from gateway.limits import Rate
from gateway.listeners import Doors, Listen, once_each, opened
from gateway.main_port import MainPort
from gateway.notices import notice
from gateway.operator_name import Operator, settled
from gateway.protocol.errors import BadRequest, GroupChatError, Unavailable
from gateway.protocol.loops import Limits
from gateway.protocol.nouns import DEFAULT_ROOM, SYSTEM, MemberKind, Scope
from gateway.protocol.requests import CreateToken
from gateway.protocol.results import Done, TokenMade
from gateway.rights import Actor
from gateway.store import Store
from gateway.store.sqlite import SqliteStore
from gateway.tokens import digest

log = structlog.get_logger("gateway")

DATABASE = "groupchat.db"
GIVEN = "numbers"
BESIDE_DATABASE = ("-wal", "-shm", "-journal")  # which SQLite opens by itself
DRAIN = 5.0
BROKEN_GRACE_S = 10.0  # a gateway that is broken may not be able to close what it has open
BROKEN_STATUS = 70
LOOKED_AT = 0.2


@dataclass(frozen=True)
class Config:
    """Everything an operator decides about one gateway."""

    state: Path
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    store: str = ""
    operator: str = "operator"
    operator_chosen: bool = False
    agents: tuple[str, ...] = ()
    waits_for_port: bool = False
    team_token: str | None = None
    cert: str | None = None
    key: str | None = None
    insecure: bool = False
    allow_hosts: tuple[str, ...] = ()
    rate: Rate = field(default_factory=Rate)
    guest_rate: Rate = GUEST_RATE
    patience: Patience = field(default_factory=Patience)
    remind_asks: float = REMIND_AFTER
    limits: Limits = field(default_factory=Limits)
    synchronous: str = "FULL"
    listen: tuple[Listen, ...] = ()
    modes: Path | None = None

    def __post_init__(self) -> None:
        once_each(self.listen)
        for host in (self.host, *(one.host for one in self.listen)):
            if host not in LOOPBACK_NAMES and self.cert is None and not self.insecure:
                raise BadRequest(
                    f"On {host} tokens would cross the network in the clear. Give --cert FILE --key FILE, "
                    "or --insecure if something in front of this gateway does TLS."
                )


@contextlib.contextmanager
def sole_owner(state: Path) -> Iterator[None]:
    """One gateway per state folder; the lock goes with the process."""
    private_folder(state)
    with _held(state / LOCK_FILE, f"owns {state}. Stop it, or use another folder with --state."):
        yield


@contextlib.contextmanager
def sole_writer(database: Path) -> Iterator[None]:
    """One gateway per store, by whichever name and from whichever state folder it is reached."""
    real = database.resolve()
    lock = real.with_name(f"{real.name}.lock")
    own_file(lock)
    with _held(lock, f"keeps its log in {real}. Stop it, or use another --store."):
        yield


@contextlib.contextmanager
def _held(lock: Path, why_not: str) -> Iterator[None]:
    """The lock of a file, with who holds it written in."""
    handle = open_private(lock, os.O_RDWR | os.O_CREAT)
    try:
        if not _locked(handle):
            holder = os.read(handle, 32).decode(errors="replace").strip() or "unknown"
            raise Unavailable(f"Another gateway (process {holder}) {why_not}")
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    """Whoever only looks whether a gateway lives here holds the lock for a moment."""
    until = time.monotonic() + LOOKED_AT
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(LOOKED_AT / 20)
        else:
            return True


def database_of(config: Config) -> Path:
    if config.store and not config.store.startswith("sqlite:"):
        raise BadRequest(f"{config.store!r} is not a store. Use sqlite:PATH, or leave it out.")
    return Path(config.store.removeprefix("sqlite:").removeprefix("//")) if config.store else config.state / DATABASE


def open_store(config: Config) -> Store:
    path = database_of(config)
    own_file(path)
    if path.stat().st_nlink > 1:
        raise BadRequest(
            f"{path} has a second name (a hard link), under which another gateway could write to it unseen. "
            "Copy it, and keep one gateway to each copy."
        )
    for one in (*(path.with_name(path.name + end) for end in BESIDE_DATABASE), config.state / GIVEN):
        check_own(one)
    return SqliteStore(path, synchronous=config.synchronous, given=config.state / GIVEN)


def team_token(config: Config) -> str:
    """The team token: given, else kept from the last start, else made."""
    token_places.free_team_place(config.state)
    path = team_token_file(config.state)
    kept = read_secret(path)
    token = config.team_token or kept or secrets.token_urlsafe(32)
    if token != kept:
        write_private(path, token + "\n")
    return token


@contextlib.asynccontextmanager
async def open_hub(config: Config, store: Callable[[Config], Store] = open_store) -> AsyncIterator[Hub]:
    """A hub over the state folder, with its operator's token in place. The server uses it, and so do the commands
    that work on a gateway that is not running."""
    async with contextlib.AsyncExitStack() as stack:
        with start_errors.told(config.state):
            stack.enter_context(sole_owner(config.state))
            stack.enter_context(sole_writer(database_of(config)))
            hub = Hub(store(config), _settings(config))
            await hub.start()
            stack.push_async_callback(hub.stop)
            token_places.sort_tokens(hub, config.state)
            await provide_operator(hub, config)
            await settling.settle_the_gone(hub)
            expiry = Deadlines(lambda: hub.now, partial(settling.settle_the_expired, hub))
            stack.callback(expiry.stop)
            hub.tokens_changed = expiry.look_again
            expiry.look_again()
        yield hub


def _settings(config: Config) -> Settings:
    return Settings(
        config.rate,
        digest(team_token(config)),
        config.remind_asks,
        config.limits,
        guest_rate=config.guest_rate,
        patience=config.patience,
        modes=mode_files.with_those_of(config.modes),
    )


def system_actor() -> Actor:
    """The gateway itself, for what is done in its own state folder."""
    return Actor(SYSTEM, MemberKind.SYSTEM, frozenset(Scope))


async def provide_operator(hub: Hub, config: Config) -> None:
    """The local person's token, in a file that only that person can read."""
    name = operator_in(hub, config)
    await kept_token(hub, config.state, CreateToken(name=name, kind=MemberKind.HUMAN, scopes=tuple(Scope)))


def operator_in(hub: Hub, config: Config) -> str:
    return settled(Operator(config.operator, config.operator_chosen), hub.house, config.agents)


async def kept_token(hub: Hub, state: Path, wish: CreateToken) -> str:
    """A token that holds, from its file, or a new one."""
    kept = read_token(state, wish.name, wish.kind)
    if kept is not None:
        with contextlib.suppress(GroupChatError):
            actor = member_tokens.identify(hub.house, kept, hub.now)
            if (actor.name, actor.kind) == (wish.name, wish.kind):
                return kept
    made = await hub.carry_out(member_tokens.create_token(hub.house, system_actor(), wish, hub.clerk(), hub.entropy()))
    assert isinstance(made, TokenMade)
    write_private(token_file(state, wish.name, wish.kind), made.token + "\n")
    return made.token


def make_app(hub: Hub, config: Config, mcp: mcp_proxy.McpProcess) -> web.Application:
    app = web.Application(middlewares=[clear_errors, auth.this_user_alone], client_max_size=rest.MAX_BODY)
    app[auth.HUB] = hub
    app[auth.HOSTS] = Hosts.of(config.host, config.allow_hosts, socket.gethostname())
    app[mcp_proxy.MCP] = mcp
    app.add_routes(rest.routes())
    app.add_routes(csp.routes())
    app.add_routes(mcp_proxy.routes())
    app.add_routes(
        [
            web.post("/v1/op", rest.operation_by_name),
            web.get("/v1/ws", full_socket),
            web.get("/v1/events", full_stream),
            web.get("/metrics", _metrics),
            web.get("/openapi.json", _openapi),
            web.get("/docs", _docs),
        ]
    )
    return app


async def _metrics(request: web.Request) -> web.Response:
    await auth.actor_of(request, reads=True)
    hub = request.app[auth.HUB]
    hub.metrics.queued.set(sum(hub.house.queued.values()))
    return web.Response(body=hub.metrics.page(), headers={"Content-Type": metrics.CONTENT_TYPE})


async def _openapi(request: web.Request) -> web.Response:
    auth.check_page(request)
    return web.Response(body=openapi.encoded(), content_type="application/json")


async def _docs(request: web.Request) -> web.Response:
    auth.check_page(request)
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return web.Response(text=openapi.page(), content_type="text/html", headers={"Content-Security-Policy": policy})


@contextlib.asynccontextmanager
async def running(config: Config, hub: Hub) -> AsyncIterator[Running]:
    """The doors open, announced in the state folder; closed again with every stream told. The main door is the first to
    close, since it ends the streams of all."""
    mcp = mcp_proxy.McpProcess(config.state / "mcp", partial(kept_token, hub, config.state))
    limiter = Limiter(Bounds.of(process_limits.descriptor_limit()))
    doors = Doors(hub, mcp, limiter, config.allow_hosts, _tls(config))
    try:
        async with opened(doors, config.listen) as others, _main_door(config, doors, others) as found:
            yield found
    finally:
        limiter.close()


@contextlib.asynccontextmanager
async def _main_door(config: Config, doors: Doors, others: dict[str, str]) -> AsyncIterator[Running]:
    hub, mcp = doors.hub, doors.mcp
    app = make_app(hub, config, mcp)
    app[auth.LIMITER] = doors.limiter
    runner = web.AppRunner(
        app, access_log=None, handler_cancellation=True, shutdown_timeout=DRAIN, keepalive_timeout=IDLE_FOR
    )
    await runner.setup()
    port = MainPort(runner, config.host, config.port, doors)
    try:
        url, place = await _listening(config, port, runner)
    except BaseException:
        await runner.cleanup()
        raise
    mcp.place = mcp_proxy.Place(url, place)
    found = Running(url, os.getpid(), operator_in(hub, config), _fingerprint(config), others, str(place))
    try:
        with start_errors.told(config.state):
            write_private(config.state / GATEWAY_FILE, msgspec.json.encode(found).decode())
            (config.state / GIVEN_UP_FILE).unlink(missing_ok=True)
        yield found
    finally:
        (config.state / GATEWAY_FILE).unlink(missing_ok=True)
        place.unlink(missing_ok=True)
        await port.close()
        await hub.drain()
        hub.close_connections()
        await mcp.stop()
        await runner.cleanup()


async def _listening(config: Config, port: MainPort, runner: web.AppRunner) -> tuple[str, Path]:
    """For everybody at an address, and for this user's own programs at a socket."""
    try:
        number = await port.take()
    except OSError as error:
        if not config.waits_for_port:
            raise Unavailable(
                f"Cannot listen on {config.host}:{config.port}: {error.strerror}. "
                "Choose another port with --port, or stop what uses it."
            ) from None
        number = port.take_later()
    listener, place = listening_in(config.state, GATEWAY_SOCKET, os.environ)
    await web.SockSite(runner, listener, backlog=BACKLOG).start()
    return _url(config, number), place


def _url(config: Config, port: int) -> str:
    host = f"[{config.host}]" if ":" in config.host else config.host
    return f"{'https' if config.cert else 'http'}://{host}:{port}"


def _tls(config: Config) -> ssl.SSLContext | None:
    if config.cert is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(config.cert, config.key)
    except (OSError, ssl.SSLError) as error:
        raise BadRequest(f"The certificate {config.cert} with the key {config.key} cannot be used: {error}.") from None
    return context


def _fingerprint(config: Config) -> str | None:
    if config.cert is None:
        return None
    pem = Path(config.cert).read_text()
    first = pem[pem.index("-----BEGIN CERT") :]
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(first[: first.index("-----END CERTIFICATE-----") + 26])).hexdigest()


async def serve(
    config: Config,
    started: asyncio.Future[Running] | None = None,
    store: Callable[[Config], Store] = open_store,
    leash: Leash = NO_LEASH,
) -> None:
    """Run until SIGTERM or SIGINT; or until something fails that it cannot do without, which is an error."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with open_hub(config, store) as hub, running(config, hub) as found:
        settle()
        leash.listening(port_of(found.url))
        log.info("= listening", url=found.url, **found.listeners, state=str(config.state), store=hub.store.describe())
        if started is not None:
            started.set_result(found)
        await _tell_of_death(hub, leash)
        with leash.watched(stop.set):
            await _either(stop, hub.broken)
        if hub.broken.is_set():
            loop.call_later(BROKEN_GRACE_S, os._exit, BROKEN_STATUS)
            raise Unavailable(
                "The gateway had to end: a part that it cannot do without has failed, its log says how. "
                "What was accepted is on disk; start it again."
            )
        log.info("= stopping", connections=len(hub.switchboard))
    log.info("= stopped")


async def _tell_of_death(hub: Hub, leash: Leash) -> None:
    """Said once, in the chat, by the gateway that took the place of one that died."""
    if leash.death is not None and (text := leash.death.told(seconds())):
        await hub.carry_out(Ruling(Done(), (notice(DEFAULT_ROOM, text, hub.clerk()),)))


async def _either(*events: asyncio.Event) -> None:
    """Until one of them is set."""
    waiting = [spawn(one.wait(), "until told") for one in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waiting:
            one.cancel()


def settle() -> None:
    """What was built at the start stays: the collector need not walk it again and again, nor run every few messages."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    take_short_turns()
