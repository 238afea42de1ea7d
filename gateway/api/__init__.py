"""The gateway's interfaces: WebSocket, server-sent events, REST. They translate only; the hub decides
what is allowed."""
