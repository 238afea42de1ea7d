"""Text handling: addresses, attachments, invisible characters, printing."""
