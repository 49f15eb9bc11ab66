"""The signed heads of the log: made each minute, published, kept where a database's owner cannot reach."""
