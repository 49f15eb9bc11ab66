"""Which requests are accesses, and how they come into the access log (docs/access-log.md)."""
