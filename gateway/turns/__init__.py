"""The engine of turn modes decides whose turn it is, and when a turn ends. Does no I/O; knows no gateway state.

The floor of a room is the right to speak in it: while a mode runs, at most one member has the floor, for one turn.
`engine.py` decides for all modes; a mode is a file of data, such as `modes/debate.toml`. `gateway/mode_rules` decides
what a message means to the mode, such as whether it is the answer that ends the turn.
"""
