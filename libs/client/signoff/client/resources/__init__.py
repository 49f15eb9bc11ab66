"""What a client can do, by what it is done to: each module is a chapter of the API."""
