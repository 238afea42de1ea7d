"""The questions every agent adapter answers, and what several adapters share. Knows no vendor."""
