"""The chat between gateway and screen: what it loads, sends and reports. Paints nothing."""
