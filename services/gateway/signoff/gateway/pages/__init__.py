"""Pages for people: rendered here, by templates, from what the API's own functions know (docs/pages.md)."""
