"""The operations of members, and the orders and questions of agents."""

from __future__ import annotations

from gateway.access.operation_kinds import OperationKind
from gateway.agent_control import agent_orders, approvals
from gateway.message_effects import loop_hold_release
from gateway.operations.members import (
    member_operations,
    partial_text_operation,
    silence_operation,
    terminal_operations,
    timeline_operation,
    work_report_operations,
)
from gateway.operations.messages import message_queries
from gateway.operations.operation import Operation
from gateway.protocol.requests.agent_requests import (
    Continue,
    Keys,
    Pause,
    PressTerminalKey,
    ReportWrites,
    Restart,
    Resume,
    SetActivity,
    SetCondition,
    SetConversation,
    SetFolder,
    SetWork,
    Share,
    ShowPartialText,
    ShowTerminal,
    Stop,
    Timeline,
    UnwatchTerminal,
    WatchTerminal,
    WhySilent,
)
from gateway.protocol.requests.approval_requests import AnswerAsk, Asks, CloseAsk, EndedAsks, OpenAsk
from gateway.protocol.requests.connection_requests import Bye
from gateway.protocol.requests.member_requests import (
    KeyRecords,
    Members,
    PublishKey,
    Register,
    RemoveMember,
    RevokeKey,
    SetRole,
    WhoAmI,
)
from gateway.protocol.results import (
    AgentTimeline,
    AskList,
    Continued,
    Done,
    Identity,
    KeyRecordList,
    MemberList,
    Registered,
    Shown,
    Stopping,
    Watching,
    WhyList,
)
from gateway.rooms import members
from gateway.sealed_rooms import member_key_rules

MEMBER_OPERATIONS = (
    Operation(Members, OperationKind.READS, MemberList, "GET", "/v1/members", query=member_operations.answer_members),
    Operation(SetRole, OperationKind.CHANGES, Done, "PUT", "/v1/members/{member}/role", rule=members.set_role),
    Operation(
        Register, OperationKind.CHANGES, Registered, "POST", "/v1/members", query=member_operations.answer_register
    ),
    Operation(
        RemoveMember,
        OperationKind.CHANGES,
        Done,
        "DELETE",
        "/v1/members/{member}",
        query=member_operations.answer_remove_member,
    ),
    Operation(
        KeyRecords,
        OperationKind.READS,
        KeyRecordList,
        "POST",
        "/v1/key-records",
        rule=member_key_rules.list_published_keys,
    ),
    Operation(PublishKey, OperationKind.CHANGES, Done, "POST", "/v1/me/keys", rule=member_key_rules.publish_key),
    Operation(
        RevokeKey, OperationKind.CHANGES, Done, "POST", "/v1/me/keys/revoke", rule=member_key_rules.publish_revocation
    ),
    Operation(WhoAmI, OperationKind.READS, Identity, "GET", "/v1/me", query=member_operations.answer_whoami),
    Operation(
        SetActivity,
        OperationKind.REPORTS,
        Done,
        "PUT",
        "/v1/me/activity",
        query=member_operations.answer_set_activity,
    ),
    Operation(
        SetCondition,
        OperationKind.REPORTS,
        Done,
        "PUT",
        "/v1/me/condition",
        query=member_operations.answer_set_condition,
    ),
    Operation(
        SetConversation,
        OperationKind.REPORTS,
        Done,
        "PUT",
        "/v1/me/conversation",
        query=member_operations.answer_set_conversation,
    ),
    Operation(SetWork, OperationKind.REPORTS, Done, "PUT", "/v1/me/work", query=work_report_operations.answer_set_work),
    Operation(
        ReportWrites,
        OperationKind.REPORTS,
        Done,
        "POST",
        "/v1/me/writes",
        query=work_report_operations.answer_report_writes,
    ),
    Operation(Bye, OperationKind.CHANGES, Done, "DELETE", "/v1/me", query=member_operations.answer_bye),
    Operation(Pause, OperationKind.CHANGES, Done, "POST", "/v1/pause", rule=agent_orders.pause_member),
    Operation(Resume, OperationKind.CHANGES, Done, "POST", "/v1/resume", rule=agent_orders.resume_member),
    Operation(Continue, OperationKind.CHANGES, Continued, "POST", "/v1/continue", rule=loop_hold_release.lift_holds),
    Operation(Keys, OperationKind.CHANGES, Done, "POST", "/v1/keys", rule=agent_orders.press_keys),
    Operation(Stop, OperationKind.CHANGES, Stopping, "POST", "/v1/stop", rule=agent_orders.stop_member),
    Operation(Share, OperationKind.CHANGES, Done, "POST", "/v1/share", rule=agent_orders.set_share_policy),
    Operation(Restart, OperationKind.CHANGES, Done, "POST", "/v1/restart", rule=agent_orders.restart_member),
    Operation(
        WatchTerminal,
        OperationKind.READS,
        Watching,
        "POST",
        "/v1/terminals/{member}/watch",
        subscription=terminal_operations.watch_terminal,
    ),
    Operation(
        UnwatchTerminal,
        OperationKind.READS,
        Done,
        "POST",
        "/v1/terminals/{member}/unwatch",
        subscription=terminal_operations.unwatch_terminal,
    ),
    Operation(WhySilent, OperationKind.READS, WhyList, "GET", "/v1/why", query=silence_operation.answer_why),
    Operation(
        Timeline,
        OperationKind.READS,
        AgentTimeline,
        "GET",
        "/v1/members/{member}/timeline",
        query=timeline_operation.answer_timeline,
    ),
    Operation(
        SetFolder, OperationKind.REPORTS, Done, "PUT", "/v1/me/folder", query=member_operations.answer_set_folder
    ),
    Operation(
        PressTerminalKey,
        OperationKind.CHANGES,
        Done,
        "POST",
        "/v1/terminals/{member}/key",
        rule=agent_orders.press_terminal_key,
    ),
    Operation(
        ShowTerminal, OperationKind.REPORTS, Shown, "PUT", "/v1/me/terminal", query=terminal_operations.accept_picture
    ),
    Operation(
        ShowPartialText,
        OperationKind.REPORTS,
        Done,
        "PUT",
        "/v1/me/partial",
        query=partial_text_operation.show_partial_text,
    ),
    Operation(Asks, OperationKind.READS, AskList, "GET", "/v1/asks", rule=approvals.list_asks),
    Operation(
        EndedAsks, OperationKind.READS, AskList, "GET", "/v1/asks/ended", query=message_queries.answer_ended_asks
    ),
    Operation(OpenAsk, OperationKind.REPORTS, Done, "POST", "/v1/asks", rule=approvals.open_ask),
    Operation(CloseAsk, OperationKind.REPORTS, Done, "POST", "/v1/asks/{ask}/close", rule=approvals.close_ask),
    Operation(AnswerAsk, OperationKind.CHANGES, Done, "POST", "/v1/asks/{member}/answer", rule=approvals.answer_ask),
)
