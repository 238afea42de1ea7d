"""Connects turn modes to a room: who gets which role, what a message means to the mode, what follows. Does no I/O.

Whose turn it is and when it ends is decided in `gateway/turns/engine.py`. `turn_messages.py` decides here
whether a message is the answer that ends the turn; `mode_control.py` holds what people may order.
"""
