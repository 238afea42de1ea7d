"""The steps of a team's start: facts of this machine, rooms, registered agents, and the wait until they are ready."""
