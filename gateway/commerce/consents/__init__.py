"""Consents: facts of what customers allow, with doubt, and what follows from them (rule C10)."""
