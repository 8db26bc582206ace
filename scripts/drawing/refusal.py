"""What a script says when there is nothing that it could do."""


class RefusedError(Exception):
    """The fact, the reason, the next command."""

    def __init__(self, fact: str, reason: str, next_command: str) -> None:
        super().__init__(f"{fact} {reason} {next_command}")
