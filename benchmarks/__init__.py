"""Performance measurements: one file per claim, each with its baseline in the same run.

They run the gateway as a user would and read the kernel's figures about it. They must not access the inside of its
processes.
"""
