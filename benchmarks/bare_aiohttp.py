"""The baseline: a bare aiohttp broadcast. It stores nothing and has no members."""

from __future__ import annotations

import asyncio
import json
import signal

from aiohttp import WSMsgType, web

SOCKETS: web.AppKey[list[web.WebSocketResponse]] = web.AppKey("sockets", list)


async def broadcast(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(compress=False)
    await socket.prepare(request)
    sockets = request.app[SOCKETS]
    sockets.append(socket)
    try:
        async for frame in socket:
            if frame.type is WSMsgType.TEXT:
                for other in sockets:
                    await other.send_str(frame.data)
    finally:
        sockets.remove(socket)
    return socket


async def main() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    app = web.Application()
    app[SOCKETS] = []
    app.add_routes([web.get("/", broadcast)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(json.dumps({"url": f"http://127.0.0.1:{runner.addresses[0][1]}"}), flush=True)
    await stop.wait()
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
