"""The gateway's doors: WebSocket, server-sent events, REST. They translate; what is allowed is decided further in."""
