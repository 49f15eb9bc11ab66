"""What every service process shares: settings, health, logs, and how it listens and stops.

Import from the modules: ``settings`` costs a command nothing, ``health`` and ``server`` bring aiohttp.
"""
