"""The workflows' pages: the list, a version, its source and history, a form to run it, and one to deploy."""
