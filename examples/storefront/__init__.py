"""A web page that sells, through persisted documents only."""
