"""The operations of shared documents, decisions and sessions."""

from __future__ import annotations

from gateway.access.operation_kinds import OperationKind
from gateway.decisions import decision_handlers
from gateway.operations.operation import Operation
from gateway.operations.sessions import session_queries, shared_document_queries
from gateway.protocol.requests.decision_requests import AnswerDecision, CloseDecision, Decisions, Propose, ShowDecision
from gateway.protocol.requests.session_requests import (
    CloseSession,
    OpenSession,
    PauseSession,
    ResumeSession,
    SessionMessages,
    Sessions,
    ShowSession,
    UpdateSession,
)
from gateway.protocol.requests.shared_document_requests import (
    ContextChanges,
    Contexts,
    DeleteContext,
    GetContext,
    MergeContext,
    PutContext,
)
from gateway.protocol.results import (
    ContextDocument,
    ContextHistory,
    ContextList,
    ContextSaved,
    DecisionList,
    DecisionView,
    Done,
    MessageList,
    SessionDetail,
    SessionList,
    SessionView,
)
from gateway.sessions import sessions, shared_documents

CONVERSATION_OPERATIONS = (
    Operation(Contexts, OperationKind.READS, ContextList, "GET", "/v1/contexts", rule=shared_documents.list_contexts),
    Operation(
        GetContext,
        OperationKind.READS,
        ContextDocument,
        "GET",
        "/v1/contexts/{scope}/{name}",
        query=shared_document_queries.get_document,
    ),
    Operation(
        PutContext,
        OperationKind.SENDS,
        ContextSaved,
        "PUT",
        "/v1/contexts/{scope}/{name}",
        query=shared_document_queries.put_document,
    ),
    Operation(
        DeleteContext,
        OperationKind.SENDS,
        Done,
        "DELETE",
        "/v1/contexts/{scope}/{name}",
        rule=shared_documents.delete_context,
    ),
    Operation(
        MergeContext,
        OperationKind.SENDS,
        ContextSaved,
        "POST",
        "/v1/contexts/{scope}/{name}/merge",
        query=shared_document_queries.merge_into_document,
    ),
    Operation(
        ContextChanges,
        OperationKind.READS,
        ContextHistory,
        "GET",
        "/v1/contexts/{scope}/{name}/history",
        query=shared_document_queries.document_history,
    ),
    Operation(
        Propose, OperationKind.SENDS, DecisionView, "POST", "/v1/decisions", rule=decision_handlers.open_proposal
    ),
    Operation(
        Decisions, OperationKind.READS, DecisionList, "GET", "/v1/decisions", rule=decision_handlers.list_decisions
    ),
    Operation(
        ShowDecision,
        OperationKind.READS,
        DecisionView,
        "GET",
        "/v1/decisions/{decision}",
        query=session_queries.show_decision,
    ),
    Operation(
        AnswerDecision,
        OperationKind.SENDS,
        DecisionView,
        "POST",
        "/v1/decisions/{decision}/answer",
        rule=decision_handlers.answer_decision,
    ),
    Operation(
        CloseDecision,
        OperationKind.CHANGES,
        DecisionView,
        "POST",
        "/v1/decisions/{decision}/close",
        rule=decision_handlers.close_decision,
    ),
    Operation(OpenSession, OperationKind.SENDS, SessionView, "POST", "/v1/sessions", rule=sessions.open_session),
    Operation(Sessions, OperationKind.READS, SessionList, "GET", "/v1/sessions", rule=sessions.list_sessions),
    Operation(
        ShowSession,
        OperationKind.READS,
        SessionDetail,
        "GET",
        "/v1/sessions/{session}",
        query=session_queries.show_session,
    ),
    Operation(
        UpdateSession, OperationKind.SENDS, SessionView, "PUT", "/v1/sessions/{session}", rule=sessions.update_session
    ),
    Operation(
        PauseSession,
        OperationKind.SENDS,
        SessionView,
        "POST",
        "/v1/sessions/{session}/pause",
        rule=sessions.pause_session,
    ),
    Operation(
        ResumeSession,
        OperationKind.SENDS,
        SessionView,
        "POST",
        "/v1/sessions/{session}/resume",
        rule=sessions.resume_session,
    ),
    Operation(
        CloseSession,
        OperationKind.SENDS,
        SessionView,
        "POST",
        "/v1/sessions/{session}/close",
        rule=sessions.close_session,
    ),
    Operation(
        SessionMessages,
        OperationKind.READS,
        MessageList,
        "GET",
        "/v1/sessions/{session}/messages",
        query=session_queries.session_messages,
    ),
)
