"""The protocol between the parts: nouns, requests, results, events, addresses and errors.

Pure values. This package must not know a clock, a socket, a file or any other package of ours.
"""

VERSION = 1
OLDEST_VERSION = 1
