"""What the gateway does in figures: one file per claim, each with its baseline in the same run.

Runs the gateway as a user would and reads the kernel's account of it. It must not reach into the gateway's processes.
"""
