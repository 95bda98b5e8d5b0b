"""Scopes that fields and types require: alternatives, each of them a set of scopes that the caller must all have.

The scope `self` stands for the owner of the object.
"""

from __future__ import annotations

AUDIT_READ = [["audit:read"]]
CATALOG_ADMIN = [["catalogue:admin"]]
CHANNELS_ADMIN = [["channels:admin"]]
CARTS_READ_OR_SELF = [["carts:read"], ["self"]]
CARTS_WRITE = [["carts:write"]]
CUSTOMERS_ADMIN = [["customers:admin"]]
CUSTOMERS_ERASE = [["customers:erase"]]
CUSTOMERS_READ = [["customers:read"]]
CUSTOMERS_READ_OR_SELF = [["customers:read"], ["self"]]
PERSONAL_DATA = [["customers:pii"]]
PERSONAL_DATA_OR_SELF = [["customers:pii"], ["self"]]
CUSTOMERS_WRITE = [["customers:write"]]
DATA_REQUESTS = [["customers:erase"], ["self"]]
DOCUMENTS_ADMIN = [["documents:admin"]]
LOYALTY_WRITE = [["loyalty:write"]]
ORDERS_READ = [["orders:read"]]
ORDERS_READ_OR_SELF = [["orders:read"], ["self"]]
ORDERS_WRITE = [["orders:write"]]
PAYMENTS_ASSERT = [["payments:assert"]]
STOCK_READ = [["stock:read"]]
STOCK_WRITE = [["stock:write"]]
TOKENS_ADMIN = [["tokens:admin"]]
