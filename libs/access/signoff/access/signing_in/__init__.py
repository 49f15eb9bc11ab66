"""How people show who they are: passwords, sessions, OpenID Connect."""
