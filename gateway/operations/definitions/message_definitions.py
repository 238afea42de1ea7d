"""The operations of messages: send them, read them, report and change their deliveries."""

from __future__ import annotations

from gateway.access.operation_kinds import OperationKind
from gateway.operations.delivery import delivery_operations, inbox_operations, long_poll
from gateway.operations.members import hello_operation
from gateway.operations.messages import mark_operations, message_queries, recall_operation, send_operation
from gateway.operations.operation import Operation
from gateway.protocol.events import Welcome
from gateway.protocol.requests.connection_requests import Events, Hello
from gateway.protocol.requests.mark_requests import Pin, Pins, React, Reactions, Thread
from gateway.protocol.requests.message_requests import (
    Cancel,
    Deliveries,
    History,
    Poll,
    Recall,
    Receipts,
    Report,
    Retry,
    Search,
    Send,
    Show,
    Waiting,
)
from gateway.protocol.results import (
    Accepted,
    DeliveryList,
    Done,
    EventPage,
    Inbox,
    MessageDetail,
    MessageList,
    PinList,
    ReactionList,
    Recalled,
    Story,
    WaitingList,
)

MESSAGE_OPERATIONS = (
    Operation(Hello, OperationKind.GREETS, Welcome, "POST", "/v1/hello", query=hello_operation.answer_hello),
    Operation(Send, OperationKind.SENDS, Accepted, "POST", "/v1/messages", query=send_operation.send_message),
    Operation(History, OperationKind.READS, MessageList, "GET", "/v1/messages", query=message_queries.answer_history),
    Operation(Search, OperationKind.READS, MessageList, "GET", "/v1/search", query=message_queries.search_messages),
    Operation(Recall, OperationKind.READS, Recalled, "GET", "/v1/recall", query=recall_operation.answer_recall),
    Operation(
        Show, OperationKind.READS, MessageDetail, "GET", "/v1/messages/{message}", query=message_queries.show_message
    ),
    Operation(
        Receipts,
        OperationKind.READS,
        Story,
        "GET",
        "/v1/messages/{message}/receipts",
        query=message_queries.show_delivery_story,
    ),
    Operation(
        Report,
        OperationKind.REPORTS,
        Done,
        "POST",
        "/v1/messages/{message}/receipts",
        query=delivery_operations.answer_report,
    ),
    Operation(
        Cancel,
        OperationKind.CHANGES,
        Done,
        "POST",
        "/v1/messages/{message}/cancel",
        query=delivery_operations.answer_cancel,
    ),
    Operation(
        Retry,
        OperationKind.CHANGES,
        Done,
        "POST",
        "/v1/messages/{message}/retry",
        query=delivery_operations.answer_retry,
    ),
    Operation(Poll, OperationKind.TAKES, Inbox, "POST", "/v1/inbox", query=long_poll.poll_inbox),
    Operation(
        Deliveries,
        OperationKind.READS,
        DeliveryList,
        "GET",
        "/v1/me/deliveries",
        query=delivery_operations.answer_deliveries,
    ),
    Operation(
        Waiting, OperationKind.READS, WaitingList, "GET", "/v1/me/waiting", query=inbox_operations.answer_waiting
    ),
    Operation(Events, OperationKind.READS, EventPage, "GET", "/v1/log", query=message_queries.answer_events),
    Operation(
        React,
        OperationKind.SENDS,
        Done,
        "POST",
        "/v1/messages/{message}/reactions",
        query=mark_operations.answer_react,
    ),
    Operation(
        Reactions, OperationKind.READS, ReactionList, "POST", "/v1/reactions", query=mark_operations.answer_reactions
    ),
    Operation(
        Thread,
        OperationKind.READS,
        MessageList,
        "GET",
        "/v1/messages/{message}/thread",
        query=mark_operations.answer_thread,
    ),
    Operation(Pin, OperationKind.CHANGES, Done, "POST", "/v1/messages/{message}/pin", query=mark_operations.answer_pin),
    Operation(Pins, OperationKind.READS, PinList, "GET", "/v1/pins", query=mark_operations.answer_pins),
)
