"""An agent's conversation with its model over many runs: which one is kept, and which one a start continues.

- `conversation_rules.py`: when an id is kept, replaced or given up. Pure
- `start_choice.py`: what a start does: come back to a conversation, or begin a new one. Pure
- `conversation_file.py`: where the ids are kept, and the history of those that were replaced
- `conversation_recorder.py`: writes down what a run shows of its conversation
- `conversation_watch.py`: follows one run: its id, its turns, whether the agent came back
- `resume_refusal_text.py`: the sentence with which a program refused to resume. Pure

How a vendor's program is started with an earlier conversation is the adapter's affair (`sidecar/agents`).
"""
