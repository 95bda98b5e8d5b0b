"""Payment deadlines: cancels orders that were not paid in time, each in a transaction of its own (rule U1)."""

from __future__ import annotations

import logging
from datetime import datetime

from gateway.commerce.config import SellingConfig
from gateway.commerce.context import SellingContext
from gateway.commerce.orders.expiry import expire_order
from gateway.storage.database import Database
from gateway.storage.errors import StorageUnavailableError
from gateway.storage.writes import orders

BATCH_SIZE = 200

_log = logging.getLogger(__name__)


async def expire_unpaid_orders(database: Database, selling: SellingConfig, now: datetime) -> bool:
    """Expire orders past their payment deadline. Returns whether there were any.

    Several processes may do so at once: the lock on an order decides.
    """
    due = await database.read(orders.find_due_orders, now, BATCH_SIZE)
    return any([await _expire_order(database, order_id, SellingContext(selling, now)) for order_id in due])


async def _expire_order(database: Database, order_id: str, context: SellingContext) -> bool:
    """Expire an order. A failure is logged, so that it does not keep the others from expiring."""
    try:
        return await database.write(expire_order, order_id, context) is not None
    except StorageUnavailableError:
        raise
    except Exception:  # noqa: BLE001 whatever it is, it is logged
        _log.exception("The unpaid order %s could not be canceled; it is tried again.", order_id)
        return False
