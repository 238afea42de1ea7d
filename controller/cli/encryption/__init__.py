"""The verbs for keys of members. They work on the files of this machine, without a gateway."""
