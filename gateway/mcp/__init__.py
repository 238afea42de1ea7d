"""MCP tools with which agents use the chat themselves.

They run in a process of their own, which reaches the gateway as any client does: importing the SDK takes long, and must
not stall the gateway. The token decides who calls.
"""
