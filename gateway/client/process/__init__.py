"""What every process of ours needs: tasks, clocks, limits, listening sockets. Knows no gateway."""
