"""Executors, topics and logs as the tests of executors have them."""

from integration.executor.conftest import Fleet, fleet, logs_of_a_service, site, tools, topics

__all__ = ["Fleet", "fleet", "logs_of_a_service", "site", "tools", "topics"]
