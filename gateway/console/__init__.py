"""What commands share: their common options, and the only functions that print."""
