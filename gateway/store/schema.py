"""The SQLite schema, as the list of migrations that lead to it. The database's `user_version` counts them."""

from __future__ import annotations

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE log (
        seq INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,
        room TEXT,
        sender TEXT,
        client_id TEXT,
        ends TEXT,
        about INTEGER,
        event BLOB NOT NULL
    ) STRICT;
    CREATE INDEX log_room ON log (room, seq) WHERE kind = 'message' AND ends IS NULL;
    CREATE UNIQUE INDEX log_client ON log (client_id, sender) WHERE client_id IS NOT NULL;
    CREATE INDEX log_about ON log (about, seq) WHERE about IS NOT NULL;
    CREATE TABLE deliveries (
        message INTEGER NOT NULL,
        member TEXT NOT NULL,
        rung TEXT NOT NULL,
        reason TEXT NOT NULL,
        at TEXT NOT NULL,
        deadline REAL,
        open INTEGER NOT NULL,
        PRIMARY KEY (message, member)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX deliveries_open ON deliveries (member, message, rung) WHERE open = 1;
    CREATE INDEX deliveries_deadline ON deliveries (deadline) WHERE open = 1 AND deadline IS NOT NULL;
    CREATE TABLE documents (
        kind TEXT NOT NULL,
        key TEXT NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (kind, key)
    ) STRICT, WITHOUT ROWID;
    CREATE VIRTUAL TABLE words USING fts5 (
        text, scope, content = '', columnsize = 0, tokenize = 'unicode61 remove_diacritics 2'
    );
    INSERT INTO words (words, rank) VALUES ('usermerge', 2);
    """,
    """
    CREATE TABLE house (id TEXT NOT NULL) STRICT;
    INSERT INTO house (id) VALUES (lower(hex(randomblob(16))));
    """,
    """
    CREATE TABLE asides (
        kind TEXT NOT NULL,
        key TEXT NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (kind, key)
    ) STRICT;
    """,
    """
    ALTER TABLE deliveries ADD COLUMN rank INTEGER NOT NULL DEFAULT 21;
    UPDATE deliveries SET rank = coalesce(
        (SELECT iif(json_extract(body, '$.urgent'), 0, 16) + 10 - coalesce(json_extract(body, '$.priority'), 5)
         FROM (SELECT CAST(event AS TEXT) AS body FROM log WHERE seq = deliveries.message)),
        21
    ) WHERE open = 1;
    CREATE INDEX deliveries_next ON deliveries (member, rank, message) WHERE open = 1;
    """,
    # Nearly all waiting deliveries have the normal rank 21. Only one index holds them, so that a send writes one.
    """
    DROP INDEX deliveries_next;
    DROP INDEX deliveries_open;
    CREATE INDEX deliveries_open ON deliveries (member, message, rung, rank) WHERE open = 1;
    CREATE INDEX deliveries_ranked ON deliveries (member, rank, message) WHERE open = 1 AND rank <> 21;
    """,
    """
    CREATE INDEX log_asks ON log (seq) WHERE kind = 'ask';
    """,
    # A message is about the one that it answers, so that a thread is read along an index.
    """
    UPDATE log SET about = json_extract(CAST(event AS TEXT), '$.reply_to')
    WHERE kind = 'message' AND instr(event, CAST('"reply_to"' AS BLOB)) > 0;
    """,
    # What an embedding model made of messages (`serve --embed`): they can be made again, so nothing else rests on them.
    """
    CREATE TABLE vectors (seq INTEGER PRIMARY KEY, vector BLOB NOT NULL) STRICT;
    """,
)
