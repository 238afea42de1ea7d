"""The commands that start, stop and change a team's processes, and how they find the team they mean."""
