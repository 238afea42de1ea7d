"""What the agent is at: its folder, branch, tool, file and tokens, for people and other agents to see."""
