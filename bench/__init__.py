"""`python -m bench`: what things cost, each beside the plain thing measured in the same run."""
