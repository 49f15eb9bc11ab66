"""The commands as `signoff --help` lists them, a chapter a module."""
