"""Real PostgreSQL, Kafka, HAProxy and Signoff services as plain processes on the loopback address.

Used by `deploy/local/cluster` and by the tests. Needs nothing but the standard library, since it runs before
any virtual environment exists; Linux only, since processes are recognised through `/proc`.
"""
