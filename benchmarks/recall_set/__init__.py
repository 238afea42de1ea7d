"""The labelled set for recall: rooms, questions, and the messages that answer them. It knows no ranking."""
