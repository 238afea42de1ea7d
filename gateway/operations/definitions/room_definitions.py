"""The operations of rooms and of their turn modes."""

from __future__ import annotations

from gateway.access.operation_kinds import OperationKind
from gateway.marks import mutes
from gateway.mode_rules import mode_control
from gateway.operations.members import key_queries, member_operations
from gateway.operations.messages import mark_operations, retention_operations
from gateway.operations.operation import Operation
from gateway.protocol.requests.mark_requests import MarkRead, Mute
from gateway.protocol.requests.mode_requests import EndMode, ExtendTurn, GetMode, Modes, NextTurn, SetMode, Working
from gateway.protocol.requests.room_requests import (
    AdmitToRoomKey,
    CreateRoom,
    Invite,
    Join,
    Kick,
    Leave,
    RemoveRoom,
    RoomKeys,
    RoomRetention,
    Rooms,
    SetRetention,
    SetRoomKey,
    SetTopic,
)
from gateway.protocol.results import (
    Done,
    ModeList,
    ModeStanding,
    RetentionStanding,
    RoomKeyList,
    RoomList,
)
from gateway.rooms import room_rules
from gateway.sealed_rooms import room_key_rules

ROOM_OPERATIONS = (
    Operation(Mute, OperationKind.CHANGES, Done, "POST", "/v1/rooms/{room}/mute", rule=mutes.mute_room),
    Operation(
        MarkRead, OperationKind.CHANGES, Done, "POST", "/v1/rooms/{room}/read", query=mark_operations.answer_mark_read
    ),
    Operation(Rooms, OperationKind.READS, RoomList, "GET", "/v1/rooms", query=member_operations.answer_rooms),
    Operation(CreateRoom, OperationKind.CHANGES, Done, "POST", "/v1/rooms", rule=room_rules.create_room),
    Operation(SetTopic, OperationKind.CHANGES, Done, "PUT", "/v1/rooms/{room}/topic", rule=room_rules.set_room_topic),
    Operation(
        SetRetention,
        OperationKind.CHANGES,
        Done,
        "PUT",
        "/v1/rooms/{room}/keep",
        query=retention_operations.answer_set_retention,
    ),
    Operation(
        RoomRetention,
        OperationKind.READS,
        RetentionStanding,
        "GET",
        "/v1/rooms/{room}/keep",
        query=retention_operations.answer_retention,
    ),
    Operation(Invite, OperationKind.CHANGES, Done, "POST", "/v1/rooms/{room}/invite", rule=room_rules.invite_member),
    Operation(Kick, OperationKind.CHANGES, Done, "POST", "/v1/rooms/{room}/kick", query=member_operations.answer_kick),
    Operation(
        RemoveRoom,
        OperationKind.CHANGES,
        Done,
        "DELETE",
        "/v1/rooms/{room}",
        query=member_operations.answer_remove_room,
    ),
    Operation(Join, OperationKind.CHANGES, Done, "POST", "/v1/rooms/{room}/join", rule=room_rules.join_room),
    Operation(
        Leave, OperationKind.CHANGES, Done, "POST", "/v1/rooms/{room}/leave", query=member_operations.answer_leave
    ),
    Operation(
        SetRoomKey, OperationKind.CHANGES, Done, "POST", "/v1/rooms/{room}/keys", rule=room_key_rules.set_room_key
    ),
    Operation(
        AdmitToRoomKey,
        OperationKind.CHANGES,
        Done,
        "POST",
        "/v1/rooms/{room}/admissions",
        rule=room_key_rules.admit_to_room_key,
    ),
    Operation(
        RoomKeys, OperationKind.READS, RoomKeyList, "GET", "/v1/rooms/{room}/keys", query=key_queries.answer_room_keys
    ),
    Operation(Modes, OperationKind.READS, ModeList, "GET", "/v1/modes", rule=mode_control.list_modes),
    Operation(GetMode, OperationKind.READS, ModeStanding, "GET", "/v1/rooms/{room}/mode", rule=mode_control.show_mode),
    Operation(
        SetMode,
        OperationKind.CHANGES,
        ModeStanding,
        "PUT",
        "/v1/rooms/{room}/mode",
        rule=mode_control.begin_mode_request,
    ),
    Operation(
        NextTurn,
        OperationKind.CHANGES,
        ModeStanding,
        "POST",
        "/v1/rooms/{room}/mode/next",
        rule=mode_control.pass_turn_on,
    ),
    Operation(
        ExtendTurn,
        OperationKind.CHANGES,
        ModeStanding,
        "POST",
        "/v1/rooms/{room}/mode/extend",
        rule=mode_control.extend_turn,
    ),
    Operation(
        Working,
        OperationKind.CHANGES,
        ModeStanding,
        "POST",
        "/v1/rooms/{room}/mode/working",
        rule=mode_control.report_working,
    ),
    Operation(
        EndMode, OperationKind.CHANGES, ModeStanding, "DELETE", "/v1/rooms/{room}/mode", rule=mode_control.end_mode
    ),
)
