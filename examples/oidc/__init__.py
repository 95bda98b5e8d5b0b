"""A small OpenID Connect issuer for examples and tests: authorization code flow with PKCE, for people it invents.

It asks for no password. Do not use it for anything else.
"""
