"""How hard to try: a few fixed examples with the other tests, more with --hypothesis-profile fixed, and as many new
ones each time with --hypothesis-profile fuzz, which is not CI's: its verdict must not hang on chance."""

from hypothesis import HealthCheck, settings

ALWAYS = dict(deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
settings.register_profile("few", max_examples=15, derandomize=True, database=None, **ALWAYS)
settings.register_profile("fixed", max_examples=400, derandomize=True, database=None, **ALWAYS)
settings.register_profile("fuzz", max_examples=400, **ALWAYS)
settings.load_profile("few")
