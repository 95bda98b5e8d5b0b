"""A busy day: sales everywhere at once, channels that break meanwhile, and a look at what it came to."""
