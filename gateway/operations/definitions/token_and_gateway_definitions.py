"""The operations of tokens, and of the gateway itself."""

from __future__ import annotations

from gateway.access.operation_kinds import OperationKind
from gateway.operations.access import device_operations, lan_operations, share_link_operations, token_operations
from gateway.operations.health import gateway_health, traffic_statistics
from gateway.operations.operation import Operation
from gateway.protocol.requests.connection_requests import CloseLanPage, OpenLanPage, Ping, Stats, Status
from gateway.protocol.requests.member_requests import (
    BeginPairing,
    CreateHands,
    CreateLink,
    CreateToken,
    RevokeToken,
    RotateToken,
    Tokens,
)
from gateway.protocol.results import (
    Done,
    Health,
    LanPage,
    LinkMade,
    PairingBegun,
    Pong,
    Statistics,
    TokenList,
    TokenMade,
)

TOKEN_OPERATIONS = (
    Operation(
        CreateToken,
        OperationKind.CHANGES,
        TokenMade,
        "POST",
        "/v1/tokens",
        query=token_operations.answer_create_token,
    ),
    Operation(
        CreateHands,
        OperationKind.CHANGES,
        TokenMade,
        "POST",
        "/v1/me/hands",
        query=token_operations.answer_create_tools_token,
    ),
    Operation(Tokens, OperationKind.READS, TokenList, "GET", "/v1/tokens", query=token_operations.answer_tokens),
    Operation(
        RevokeToken,
        OperationKind.CHANGES,
        Done,
        "DELETE",
        "/v1/tokens/{name}",
        query=token_operations.answer_revoke_token,
    ),
    Operation(
        RotateToken,
        OperationKind.CHANGES,
        TokenMade,
        "POST",
        "/v1/tokens/{name}/rotate",
        query=token_operations.answer_rotate_token,
    ),
    Operation(
        BeginPairing,
        OperationKind.CHANGES,
        PairingBegun,
        "POST",
        "/v1/me/devices",
        query=device_operations.answer_begin_pairing,
    ),
    Operation(
        CreateLink,
        OperationKind.CHANGES,
        LinkMade,
        "POST",
        "/v1/me/links",
        query=share_link_operations.answer_create_link,
    ),
    Operation(
        OpenLanPage,
        OperationKind.CHANGES,
        LanPage,
        "POST",
        "/v1/lan",
        query=lan_operations.answer_open_lan_page,
    ),
    Operation(
        CloseLanPage,
        OperationKind.CHANGES,
        LanPage,
        "DELETE",
        "/v1/lan",
        query=lan_operations.answer_close_lan_page,
    ),
    Operation(Status, OperationKind.READS, Health, "GET", "/v1/status", query=gateway_health.answer_status),
    Operation(Stats, OperationKind.READS, Statistics, "GET", "/v1/stats", query=traffic_statistics.answer_stats),
    Operation(Ping, OperationKind.READS, Pong, "GET", "/v1/ping", query=gateway_health.answer_ping),
)
