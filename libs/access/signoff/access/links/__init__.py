"""Decision links, and the codes that step up."""
