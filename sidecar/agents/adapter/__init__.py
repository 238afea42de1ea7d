"""What every agent adapter provides, and what several adapters share. Knows no vendor."""
