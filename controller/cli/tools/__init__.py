"""Commands about custom tools."""
