"""Texts on the wire: addresses, attachments, invisible characters, printing. Knows nothing else of ours."""
