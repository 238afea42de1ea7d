"""The verbs for keys of members, and for checking an export. They work on the files of this machine; what they have
made is published at a gateway that runs."""
