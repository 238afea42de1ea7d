"""Runs a gateway process: hub and listeners. It stops without losing a message."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import msgspec
import structlog
from aiohttp import web

from gateway.api import auth, mcp_proxy
from gateway.client.discovery.endpoint import port_of
from gateway.client.discovery.local_socket import GATEWAY_SOCKET, listen_in_folder
from gateway.client.discovery.running_gateway import GATEWAY_FILE, GIVEN_UP_FILE, RunningGateway
from gateway.cluster.cluster import Cluster, open_cluster
from gateway.dialects.skynet.mirror.redis_mirror import mirrored
from gateway.embedding.vector_search import vectors_made
from gateway.files.private_files import write_private
from gateway.listening.acceptor import IDLE_TIMEOUT_S, LISTEN_BACKLOG, ConnectionLimiter
from gateway.listening.unauthenticated_connections import ConnectionLimits
from gateway.model.rule_outcome import RuleOutcome
from gateway.model.system_messages import room_notice
from gateway.process_basics import process_hardening
from gateway.process_basics.tasks import spawn
from gateway.protocol.errors import Unavailable
from gateway.protocol.results import Done
from gateway.protocol.types.core_types import DEFAULT_ROOM
from gateway.runtime.config import Config
from gateway.runtime.hub import Hub
from gateway.runtime.lan_access import NoLanDoor
from gateway.runtime.worker_thread import set_thread_switch_interval
from gateway.server.identity.provider_access import open_providers
from gateway.server.listeners.dialect_listeners import ListenerSetup, open_listeners_when_deciding
from gateway.server.listeners.lan_listener import LanListener
from gateway.server.listeners.main_listener import MainListener
from gateway.server.listeners.main_routes import make_main_app
from gateway.server.listeners.tls import fingerprint_of, tls_context
from gateway.server.state_folder import start_errors
from gateway.server.state_folder.open_hub import open_hub, settle_own_tokens
from gateway.server.state_folder.open_store import connect_mirror, open_shared_store
from gateway.server.state_folder.snapshot_source import snapshot_source
from gateway.server.state_folder.startup_tokens import ensure_token, settle_operator
from gateway.server.supervisor_link import NO_SUPERVISOR, GatewaySupervisorLink, monotonic_now
from gateway.snapshots.schedule import SnapshotPlan, scheduled_snapshots
from gateway.store import Store

log = structlog.get_logger("gateway")

DRAIN_TIMEOUT_S = 5.0
BROKEN_GRACE_S = 10.0  # a broken gateway may be unable to close its connections
BROKEN_STATUS = 70
SETTLE_TIMEOUT_S, SETTLE_INTERVAL_S = 30.0, 0.2


@contextlib.asynccontextmanager
async def run_listeners(
    config: Config,
    hub: Hub,
    start_mcp: mcp_proxy.ProcessStart = mcp_proxy.start_process,
    cluster: Cluster | None = None,
) -> AsyncIterator[RunningGateway]:
    """Open the listeners and announce them in the state folder. At the end, tell every stream and close the listeners,
    the main one first, because that ends all streams."""
    mcp = mcp_proxy.McpProcess(config.state / "mcp", partial(ensure_token, hub, config.state), start_mcp)
    limiter = ConnectionLimiter(ConnectionLimits.of(process_hardening.descriptor_limit()))
    setup = ListenerSetup(hub, mcp, limiter, config.allow_hosts, tls_context(config), cluster)
    try:
        async with (
            open_providers(config, hub),
            vectors_made(hub),
            open_listeners_when_deciding(setup, config.listen) as others,
            _open_main_listener(config, setup, others) as found,
        ):
            yield found
    finally:
        limiter.close()


@contextlib.asynccontextmanager
async def _open_main_listener(
    config: Config, setup: ListenerSetup, others: dict[str, str]
) -> AsyncIterator[RunningGateway]:
    hub, mcp = setup.hub, setup.mcp
    app = make_main_app(setup, config)
    app[auth.LIMITER] = setup.limiter
    runner = web.AppRunner(
        app,
        access_log=None,
        handler_cancellation=True,
        shutdown_timeout=DRAIN_TIMEOUT_S,
        keepalive_timeout=IDLE_TIMEOUT_S,
    )
    await runner.setup()
    port = MainListener(runner, config.host, config.port, setup)
    try:
        url, place = await _listen_main(config, port, runner)
    except BaseException:
        await runner.cleanup()
        raise
    mcp.serve_at(mcp_proxy.GatewayAddress(url, place))
    hub.lan = lan = LanListener(hub, setup.limiter, config.state, port_of(url))
    _advertise(config, setup, url)
    found = RunningGateway(url, os.getpid(), settle_operator(hub, config), fingerprint_of(config), others, str(place))
    try:
        with start_errors.explain_start_errors(config.state):
            write_private(config.state / GATEWAY_FILE, msgspec.json.encode(found).decode())
            (config.state / GIVEN_UP_FILE).unlink(missing_ok=True)
        yield found
    finally:
        (config.state / GATEWAY_FILE).unlink(missing_ok=True)
        place.unlink(missing_ok=True)
        await port.close()
        await _drain(setup)
        await mcp.stop()
        hub.lan = NoLanDoor()
        await lan.close()
        await runner.cleanup()


def _advertise(config: Config, setup: ListenerSetup, url: str) -> None:
    if setup.cluster is not None:
        setup.cluster.advertise(config.advertise or url, fingerprint_of(config))


async def _drain(setup: ListenerSetup) -> None:
    """Commit what is pending, let another gateway go on at once, and tell every stream."""
    await setup.hub.drain()
    if setup.cluster is not None:
        await setup.cluster.hand_over()
    setup.hub.streams.close_all()


async def _listen_main(config: Config, port: MainListener, runner: web.AppRunner) -> tuple[str, Path]:
    """Listen on the address for everybody, and on a socket for this user's own programs."""
    try:
        number = await port.take()
    except OSError as error:
        if not config.waits_for_port:
            raise Unavailable(
                f"Cannot listen on {config.host}:{config.port}: {error.strerror}. "
                "Choose another port with --port, or stop the program that uses it."
            ) from None
        number = port.take_when_free()
    listener, place = listen_in_folder(config.state, GATEWAY_SOCKET, os.environ)
    await web.SockSite(runner, listener, backlog=LISTEN_BACKLOG).start()
    return _gateway_url(config, number), place


def _gateway_url(config: Config, port: int) -> str:
    host = f"[{config.host}]" if ":" in config.host else config.host
    return f"{'https' if config.cert else 'http'}://{host}:{port}"


async def serve_gateway(
    config: Config,
    started: asyncio.Future[RunningGateway] | None = None,
    store: Callable[[Config], Store] = open_shared_store,
    supervisor_link: GatewaySupervisorLink = NO_SUPERVISOR,
) -> None:
    """Run until SIGTERM or SIGINT. Raises an error if a task fails that the gateway needs."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    async with contextlib.AsyncExitStack() as stack:
        hub = await _open_or_stop(stack, open_hub(config, store), stop)
        if hub is None:
            log.info("= stopped before it began to serve")
            return
        cluster = await stack.enter_async_context(open_cluster(hub))
        if hub.follows:
            await _settle_while_following(hub, config)
        if config.snapshots.folder is not None:
            await stack.enter_async_context(_snapshots(hub, config, config.snapshots.folder))
        if config.redis_mirror:
            await stack.enter_async_context(mirrored(hub, connect_mirror(config)))
        found = await stack.enter_async_context(run_listeners(config, hub, cluster=cluster))
        freeze_garbage()
        supervisor_link.report_listening(port_of(found.url))
        log.info("= listening", url=found.url, **found.listeners, state=str(config.state), store=hub.store.describe())
        if started is not None:
            started.set_result(found)
        await _post_crash_notice(hub, supervisor_link)
        with supervisor_link.watch_supervisor(stop.set):
            await _wait_for_either(stop, hub.broken)
        if hub.broken.is_set():
            loop.call_later(BROKEN_GRACE_S, os._exit, BROKEN_STATUS)
            raise Unavailable(hub.broken_text)
        log.info("= stopping", connections=len(hub.broadcaster))
    log.info("= stopped")


@contextlib.asynccontextmanager
async def _snapshots(hub: Hub, config: Config, folder: Path) -> AsyncIterator[None]:
    plan = SnapshotPlan(folder, config.snapshots.every_s, config.snapshots.keep)
    wish = partial(snapshot_source, config, folder, config.snapshots.seal)
    async with scheduled_snapshots(plan, wish) as schedule:
        hub.snapshots = schedule
        yield


async def _settle_while_following(hub: Hub, config: Config) -> None:
    """The decider makes the token of this folder's operator. It may end meanwhile, and another one go on."""
    loop = asyncio.get_running_loop()
    until = loop.time() + SETTLE_TIMEOUT_S
    while True:
        try:
            return await settle_own_tokens(hub, config)
        except Unavailable:
            if loop.time() > until:
                raise
        await asyncio.sleep(SETTLE_INTERVAL_S)


async def _open_or_stop(
    stack: contextlib.AsyncExitStack, opening: contextlib.AbstractAsyncContextManager[Hub], stop: asyncio.Event
) -> Hub | None:
    """Open the hub. A signal ends that, too, because a start may wait for Redis, or for a gateway that decides."""
    task = asyncio.current_task()
    assert task is not None

    def end() -> None:
        stop.set()
        task.cancel()

    _handle_signals(end)
    try:
        return await stack.enter_async_context(opening)
    except asyncio.CancelledError:
        if not stop.is_set():
            raise
        task.uncancel()
        return None
    finally:
        _handle_signals(stop.set)


def _handle_signals(handle: Callable[[], None]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, handle)


async def _post_crash_notice(hub: Hub, supervisor_link: GatewaySupervisorLink) -> None:
    """Post one notice in the chat after a restart that followed a crash."""
    if hub.follows:
        return
    if supervisor_link.death is not None and (text := supervisor_link.death.text(monotonic_now())):
        await hub.carry_out(RuleOutcome(Done(), (room_notice(DEFAULT_ROOM, text, hub.rule_context()),)))


async def _wait_for_either(*events: asyncio.Event) -> None:
    """Wait until one of the events is set."""
    waiting = [spawn(one.wait(), "until told") for one in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waiting:
            one.cancel()


def freeze_garbage() -> None:
    """Objects from the start stay alive: exclude them from garbage collection, and collect less often than by
    default."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    set_thread_switch_interval()
