"""Search of products: words, their ranks, and what may stand for them."""
