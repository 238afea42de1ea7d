"""What each of our processes needs: tasks, clocks, limits, listening sockets. Knows no gateway."""
