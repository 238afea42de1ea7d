"""The loop guard stops agents that keep answering each other. Does no I/O; knows no gateway state.

An agent's message is checked by five guards (`guards.py`), each with its limit
(`gateway/protocol/types/loop_limits.py`). A guard whose limit is reached trips: the room gets a hold (`holds.py`), and
the message is held back from those that it must not wake, until a person lifts the hold.
`gateway/message_effects/wake_rules.py: decide_wakes` decides which messages are checked, and who is exempt.
"""
