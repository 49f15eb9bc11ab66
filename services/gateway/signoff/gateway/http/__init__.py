"""Requests in and answers out: what every route shares."""
