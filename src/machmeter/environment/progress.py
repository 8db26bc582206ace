"""Says what takes time while asv is silent: it shows only warnings while environments are made."""

import logging

from asv.console import log


def say(text: str) -> None:
    """Show a line of progress as asv does elsewhere."""
    with log.set_level(logging.INFO):
        log.info(text)
