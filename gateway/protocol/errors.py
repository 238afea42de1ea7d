"""The error tree. The code is stable and for programs, the sentence is for people.

GroupChatError
 ├─ BadRequest           bad_request        400
 │   ├─ BadJson          bad_json           400
 │   ├─ UnknownField     unknown_field      400
 │   ├─ InvalidText      invalid_text       400
 │   ├─ InvalidName      invalid_name       400
 │   ├─ ReservedName     reserved_name      400
 │   └─ UnknownCommand   unknown_command    400
 ├─ TooLarge             too_large          413
 ├─ Unauthorized         unauthorized       401
 ├─ Forbidden            forbidden          403
 ├─ NotFound             not_found          404
 │   ├─ UnknownRecipient unknown_recipient  404
 │   ├─ UnknownRoom      unknown_room       404
 │   └─ UnknownMessage   unknown_message    404
 ├─ Conflict             conflict           409
 │   ├─ NameTaken        name_taken         409
 │   ├─ RoomExists       room_exists        409
 │   ├─ WrongRung        wrong_rung         409
 │   └─ StaleRoomKey     stale_key          409
 ├─ RateLimited          rate_limited       429
 ├─ VersionMismatch      version            426
 ├─ Unavailable          unavailable        503
 │   ├─ StorageFull      storage_full       507
 │   └─ StorageFailed    storage_failed     503
 └─ TimedOut             timed_out          504
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import msgspec


class ErrorBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """An error on the wire."""

    code: str
    message: str
    nearest: tuple[str, ...] = ()
    retry_after: float | None = None


class GroupChatError(Exception):
    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500

    def __init__(self, message: str, *, nearest: Iterable[str] = (), retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.nearest = tuple(nearest)
        self.retry_after = retry_after

    def body(self) -> ErrorBody:
        return ErrorBody(self.code, self.message, self.nearest, self.retry_after)


class BadRequest(GroupChatError):
    code, status = "bad_request", 400


class BadJson(BadRequest):
    code = "bad_json"


class UnknownField(BadRequest):
    code = "unknown_field"


class InvalidText(BadRequest):
    code = "invalid_text"


class InvalidName(BadRequest):
    code = "invalid_name"


class ReservedName(BadRequest):
    code = "reserved_name"


class UnknownCommand(BadRequest):
    code = "unknown_command"


class TooLarge(GroupChatError):
    code, status = "too_large", 413


class Unauthorized(GroupChatError):
    code, status = "unauthorized", 401


class Forbidden(GroupChatError):
    code, status = "forbidden", 403


class NotFound(GroupChatError):
    code, status = "not_found", 404


class UnknownRecipient(NotFound):
    code = "unknown_recipient"


class UnknownRoom(NotFound):
    code = "unknown_room"


class UnknownMessage(NotFound):
    code = "unknown_message"


class Conflict(GroupChatError):
    code, status = "conflict", 409


class NameTaken(Conflict):
    code = "name_taken"


class RoomExists(Conflict):
    code = "room_exists"


class WrongRung(Conflict):
    code = "wrong_rung"


class StaleRoomKey(Conflict):
    """What was sealed or made for a key of a room that is not the current one, or may be used no more."""

    code = "stale_key"


class RateLimited(GroupChatError):
    code, status = "rate_limited", 429


class VersionMismatch(GroupChatError):
    code, status = "version", 426


class Unavailable(GroupChatError):
    code, status = "unavailable", 503


class StorageFull(Unavailable):
    code, status = "storage_full", 507


class StorageFailed(Unavailable):
    code, status = "storage_failed", 503


class TimedOut(GroupChatError):
    code, status = "timed_out", 504


def _error_classes(root: type[GroupChatError]) -> Iterable[type[GroupChatError]]:
    yield root
    for child in root.__subclasses__():
        yield from _error_classes(child)


ERROR_BY_CODE: dict[str, type[GroupChatError]] = {error.code: error for error in _error_classes(GroupChatError)}


def error_from_body(body: ErrorBody) -> GroupChatError:
    """The exception that a client raises for a received error; an unknown code keeps its sentence."""
    error = ERROR_BY_CODE.get(body.code, GroupChatError)
    return error(body.message, nearest=body.nearest, retry_after=body.retry_after)
