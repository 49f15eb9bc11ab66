"""The OpenAPI 3.1 document: generated from the tables of routes and the types that they name."""
