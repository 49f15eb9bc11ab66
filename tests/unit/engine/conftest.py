"""How many examples show a property of the engine: hypothesis's own number, and many more in the soak."""

from hypothesis import settings

settings.register_profile("soak", max_examples=3_000)
