"""The commands that speak to the gateway: messages, rooms, agents, decisions. Each sends requests, prints answers."""
