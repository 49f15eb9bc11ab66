"""Why the MCP server does not do what it was asked to."""


class ToolError(Exception):
    """A call is refused. The text says to a model what to do instead."""


class ApproverError(ToolError):
    """Nothing may be decided with this key: the approver and the agent are not two."""


class AddressError(Exception):
    """The server must not listen where it was told to. The text says to a person where it may."""
