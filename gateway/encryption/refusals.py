"""Why a key, a message or a room key is not accepted: a reason for programs, and a sentence for people."""

from __future__ import annotations

from enum import StrEnum

from gateway.protocol.errors import Forbidden


class SealingFault(StrEnum):
    FORMAT = "format"
    TOO_LARGE = "too_large"
    DAMAGED = "damaged"
    SIGNATURE = "signature"
    NO_SENDER_KEY = "no_sender_key"
    NO_OWN_KEY = "no_own_key"
    NO_ROOM_KEY = "no_room_key"
    OTHER_SENDER = "other_sender"
    OTHER_KEY_VERSION = "other_key_version"
    OTHER_CHAT = "other_chat"
    OTHER_ROOM = "other_room"
    OTHER_RECIPIENTS = "other_recipients"
    OTHER_ID = "other_id"
    OTHER_ROOM_KEY = "other_room_key"
    OTHER_REPLY = "other_reply"
    OTHER_KIND = "other_kind"
    OTHER_TEXT = "other_text"
    NOT_THE_NEXT = "not_the_next"
    NOT_IN_ROSTER = "not_in_roster"
    NOT_ADMITTED = "not_admitted"
    OTHER_FINGERPRINT = "other_fingerprint"
    MISSING_KEYS = "missing_keys"
    CHANGED_KEY = "changed_key"
    REVOKED_KEY = "revoked_key"
    OLD_KEY = "old_key"
    PASSPHRASE = "passphrase"
    FILE_RIGHTS = "file_rights"
    STORAGE = "storage"
    REPEATED = "repeated"


class SealingRefused(Forbidden):
    """What arrived, or lies on the disk, is not what it claims to be. Nothing of it was used."""

    def __init__(self, reason: SealingFault, message: str) -> None:
        super().__init__(message)
        self.reason = reason
