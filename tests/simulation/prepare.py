"""What a simulation has other than production, for its whole process: few partitions, and a quiet log."""

import logging

import structlog

import signoff.gateway.commands
import signoff.stream.app
from simulation.world.world import PARTITIONS


def prepare() -> None:
    """Set that up, once; the product is imported by now."""
    for module in (signoff.gateway.commands, signoff.stream.app):
        vars(module)["PARTITIONS"] = PARTITIONS
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    logging.disable()
