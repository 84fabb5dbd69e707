"""The two ways in which there is no server."""


class NotHere(Exception):
    """This machine cannot have the server, for the reason given: a run without it is possible."""


class ServerFailed(Exception):
    """The server is here, and did not do what it must: never a reason to skip."""
