"""Points of a cart: who may redeem how many of them (rule Y4)."""

from __future__ import annotations

from dataclasses import replace

from gateway.commerce.context import SellingContext
from gateway.commerce.loyalty import redemption
from gateway.commerce.loyalty.redemption import Redeemer
from gateway.model.mutation_result import UserError, UserErrorCode
from gateway.storage.database import Connection
from gateway.storage.reads.customers.loyalty_accounts import is_same_customer
from gateway.storage.writes.carts import CartRow


def check_points(
    conn: Connection, row: CartRow, points: int, shopper_home: str | None, context: SellingContext
) -> UserError | None:
    """Check that a cart can redeem these points. `shopper_home`: of a shopper; None: staff redeem for the customer."""
    program = context.config.loyalty
    if points == 0:
        return None
    if program is None or row.currency not in program.worth:
        return _build_error(UserErrorCode.NOT_SUPPORTED_BY_CHANNEL, "points", "Points are not redeemed here.")
    if points < 0:
        return _build_error(UserErrorCode.INVALID, "points", "Expected 0 or more points.")
    if row.customer_id is None or (shopper_home and not is_same_customer(conn, row.customer_id, shopper_home)):
        return _build_error(UserErrorCode.NOT_ALLOWED_IN_STATE, "cartToken", _NOT_OWNED)
    redeemer = Redeemer(shopper_home or row.customer_id, is_proved=shopper_home is not None)
    spendable = redemption.count_spendable(redemption.list_accounts(conn, redeemer, program, context.now))
    if spendable >= points:
        return None
    error = _build_error(UserErrorCode.INSUFFICIENT_POINTS, "points", f"{max(spendable, 0)} points can be redeemed.")
    return replace(error, available_quantity=max(spendable, 0))


_NOT_OWNED = "The cart does not belong to a customer whose points can be redeemed. Assign it with cartCustomerSet."


def _build_error(code: UserErrorCode, field: str, message: str) -> UserError:
    return UserError(code=code, field=("input", field), message=message)
