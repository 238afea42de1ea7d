"""Pages of another port of the same host, and of another name of it, try everything against the page."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import expect

from gateway.protocol.types.core_types import MemberKind
from tests.support.browser import begin_pairing
from tests.support.commands import Groupchat
from tests.support.gateways import GatewayProcess
from tests.support.web_visits import member_of, pairing_address
from tests.web.browser.conftest import Visits

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]

# Each attempt ends with what it has got: "" or a reason where it got nothing.
ATTEMPTS = """
async ({ gateway, code, device }) => {
  const patience = 5000;
  const asWords = (error) => `refused: ${error.name}`;
  const ask = (path, options) => fetch(gateway + path, options).then(
    async (answer) => `${answer.type} ${answer.status} ${(await answer.text()).slice(0, 80)}`, asWords);
  const load = (tag, fields, parent = document.head) => new Promise((done) => {
    const element = Object.assign(document.createElement(tag), fields);
    element.onload = () => done(`loaded ${element.naturalWidth ?? ""}`);
    element.onerror = () => done("refused: error");
    parent.append(element);
  });
  const socket = (path) => new Promise((done) => {
    const wire = new WebSocket(gateway.replace("http", "ws") + path);
    wire.onmessage = ({ data }) => done(`heard ${data}`);
    wire.onopen = () => done("opened");
    wire.onerror = () => done("refused: error");
  });
  const events = (path) => new Promise((done) => {
    const source = new EventSource(gateway + path);
    source.onmessage = ({ data }) => done(`heard ${data}`);
    source.onopen = () => done("opened");
    source.onerror = () => { source.close(); done("refused: error"); };
  });
  const asJson = { "Content-Type": "application/json" };
  const pair = JSON.stringify({ code, public_key: "AAAA", name: "evil" });
  const found = {
    "the page by CORS": await ask("/", {}),
    "the page without CORS": await ask("/", { mode: "no-cors" }),
    "the history with credentials": await ask("/v1/messages?room=general", { credentials: "include" }),
    "the health": await ask("/health", { mode: "no-cors" }),
    "pairing as JSON": await ask("/v1/web/pair", { method: "POST", body: pair, headers: asJson }),
    "pairing as text": await ask("/v1/web/pair", { method: "POST", body: pair, mode: "no-cors" }),
    "the team's interface": await ask("/agent-output", { method: "POST", body: "x=1", mode: "no-cors" }),
    "the socket of the device": await socket(`/v1/ws?device=${device}`),
    "the socket": await socket("/v1/ws"),
    "the simple socket": await socket("/ws?token=x"),
    "events": await events("/v1/events"),
    "simple events": await events("/events"),
    "a script": await load("script", { src: `${gateway}/` }),
    "a module": await load("script", { src: `${gateway}/`, type: "module" }),
    "a style": await load("link", { rel: "stylesheet", href: `${gateway}/` }),
    "an image": await load("img", { src: `${gateway}/` }),
    "storage": JSON.stringify([localStorage.length, document.cookie, await indexedDB.databases()]),
  };
  const frame = document.createElement("iframe");
  await new Promise((done) => {
    Object.assign(frame, { onload: done, src: gateway });
    document.body.append(frame);
    setTimeout(done, patience);
  });
  try {
    found["a frame"] = frame.contentWindow.document.body ? "readable" : "empty";
  } catch (error) {
    found["a frame"] = asWords(error);
  }
  frame.contentWindow.postMessage({ op: "send", content: "evil" }, "*");
  return found;
}
"""
GOT_NOTHING = ("refused: ", "opaque 0 ", '[0,"",[]]')  # an opaque answer has no content for the page


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def evil_port() -> AsyncIterator[int]:
    """A development server as an agent might start one: on the same host."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(
            text="<!doctype html><link rel=icon href=data:,><p>my application</p>", content_type="text/html"
        )

    application = web.Application()
    application.router.add_get("/", page)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield runner.addresses[0][1]
    await runner.cleanup()


def state_of(gateway: GatewayProcess) -> tuple[Any, ...]:
    """The devices and the messages."""
    command = Groupchat(gateway.state, quick=True)
    tokens = command("token", "list", "--json").json["tokens"]
    return sorted(one["id"] for one in tokens), command("history", "--json").out


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_another_page_gets_nothing_and_changes_nothing(
    gateway: GatewayProcess, visit: Visits, evil_port: int, host: str
) -> None:
    alice = await visit(name=f"seen-by-{host}")
    alice.watch.expect(".")  # the other page does what ours must not
    tokens = Groupchat(gateway.state, quick=True)("token", "list", "--json").json["tokens"]
    device = next(one["id"] for one in tokens if one.get("device") == f"seen-by-{host}")
    before = state_of(gateway)
    code = pairing_address(gateway).partition("#pair=")[2]
    evil = await alice.context.new_page()
    await evil.goto(f"http://{host}:{evil_port}/")
    found = await evil.evaluate(ATTEMPTS, {"gateway": gateway.url, "code": code, "device": device})
    assert {what: got for what, got in found.items() if not got.startswith(GOT_NOTHING)} == {}
    assert state_of(gateway) == before
    await alice.page.goto(f"{gateway.url}/#pair={code}")
    await alice.page.get_by_role("button", name="Pair it anew").click()
    await alice.is_ready()  # nobody has used up the code


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_form_of_another_page_does_nothing(
    gateway: GatewayProcess, visit: Visits, evil_port: int, host: str
) -> None:
    alice = await visit()
    alice.watch.expect(".")
    before = state_of(gateway)
    code = pairing_address(gateway).partition("#pair=")[2]
    forged = json.dumps({"code": code, "public_key": "AAAA", "name": "x"})[:-2]
    evil = await alice.context.new_page()
    for path in ("/v1/web/pair", "/agent-output", "/v1/messages"):
        await evil.goto(f"http://{host}:{evil_port}/")
        submit = """
        ([action, body]) => {
          const form = Object.assign(document.createElement("form"), { action, method: "post", enctype: "text/plain" });
          form.append(Object.assign(document.createElement("input"), { name: body, value: '"}' }));
          document.body.append(form);
          form.submit();
        }
        """
        async with evil.expect_response(f"**{path}") as answered:
            await evil.evaluate(submit, [f"{gateway.url}{path}", forged])
        assert (await answered.value).status in (400, 401, 403, 404, 405, 415)
        await evil.wait_for_url(f"**{path}")
    assert state_of(gateway) == before


async def test_another_page_makes_no_browser_a_device_of_somebody_else(
    gateway: GatewayProcess, visit: Visits, evil_port: int
) -> None:
    """It leads the browser to a code that its own author has asked for."""
    alice = await visit()
    mallory = await member_of(gateway, "mallory", MemberKind.HUMAN)
    code = (await begin_pairing(mallory)).code
    alice.watch.expect("reached http://127.0.0.1")
    me = alice.page.locator(".me bdi")
    name = await me.inner_text()
    for answer, becomes in (("Stay as it is", name), ("Pair it anew", "mallory")):
        await alice.page.goto(f"http://127.0.0.1:{evil_port}/")
        await alice.page.evaluate("address => { location = address; }", f"{gateway.url}/#pair={code}")
        await expect(alice.page.get_by_role("main")).to_contain_text(f"already a device of {name}")
        assert "pair" not in alice.page.url
        await alice.page.get_by_role("button", name=answer).click()
        await alice.is_ready()
        await expect(me).to_have_text(becomes)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_who_opens_our_page_does_not_hold_its_window(
    gateway: GatewayProcess, visit: Visits, evil_port: int, host: str
) -> None:
    alice = await visit()
    evil = await alice.context.new_page()
    alice.watch.expect("reached http://(127.0.0.1|localhost)")
    await evil.goto(f"http://{host}:{evil_port}/")
    async with alice.context.expect_page() as opened:
        await evil.evaluate("gateway => { window.held = window.open(gateway, 'ours'); }", gateway.url)
    ours = await opened.value
    await expect(ours.get_by_role("log", name="Messages")).to_be_visible()
    assert await ours.evaluate("window.opener") is None
    assert await evil.evaluate("window.held.closed"), "the window was cut off from who opened it"
    await evil.evaluate("window.held.postMessage({ op: 'send', content: 'evil' }, '*')")
    await evil.evaluate("window.held.location = 'about:blank'")
    await expect(ours.get_by_role("log", name="Messages")).to_be_visible()
    assert ours.url.startswith(gateway.url)
