"""What the API answers, as far as programs act on it. Unknown fields are ignored; times are ISO 8601, UTC."""
