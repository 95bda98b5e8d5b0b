"""`cartCustomerSet`."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from gateway.commerce.carts import Held, give
from gateway.execution.context import Context
from gateway.graphql.house import house
from gateway.graphql.ids import row_id
from gateway.graphql.inputs import given, required
from gateway.graphql.loads import customers
from gateway.graphql.mutations.carting import once_in_cart, owner
from gateway.graphql.mutations.once import Input, key_field
from gateway.graphql.queries.filters import present
from gateway.model.outcomes import Outcome, UserError, UserErrorCode

ANYBODYS = [["carts:write"]]


@strawberry.input(description="Whose cart it is.")
class CartCustomerSetInput:
    cart_token: str = required("The cart's token. It is good no more afterwards: the payload holds the new one.")
    customer_id: strawberry.ID | None = given("The customer; null: nobody in particular. Needs `carts:write`.")
    idempotency_key: str = key_field()


async def cart_customer_set(context: Context, *, input: Annotated[CartCustomerSetInput, Input]) -> Outcome:
    context.require(ANYBODYS)
    asked = present(input.customer_id)
    (customer,) = await context.load_all(customers.customers, [row_id("Customer", asked)]) if asked else (None,)
    held, selling = Held(input.cart_token), house(context).selling
    work = partial(give, held=held, customer_id=customer.id if customer else None, selling=selling, now=context.now)
    missing = bool(asked) and customer is None
    return await once_in_cart(
        context, "cartCustomerSet", input, (lambda _: _MISSING) if missing else work, owner(input.cart_token)
    )


_MISSING = Outcome(
    user_errors=(
        UserError(code=UserErrorCode.NOT_FOUND, field=("input", "customerId"), message="There is no such customer."),
    )
)
