"""The instructions that the demo prints when it is ready: its address, tokens and three queries."""

from __future__ import annotations

SHOWN = ("22423", "22086", "47566")
"""Products of the original data: a cake stand, a paper chain, a bunting."""

VARIANT = f"""query {{ productVariants(first: 1, filter: {{ skus: ["{SHOWN[0]}"] }}) {{ nodes {{ id }} }} }}"""

PRODUCT = f"""\
query {{
  products(first: 1, search: "{SHOWN[0]}") {{
    nodes {{
      title category {{ title }}
      variants(first: 1) {{
        nodes {{
          sku gtin listings {{ channel {{ name }} price {{ amount currencyCode }} unitsPerListing }}
          shops: stock(channelKey: "till") {{ status available observedAt }}
          web: stock(channelKey: "web") {{ status available observedAt }}
        }}
      }}
    }}
  }}
}}"""

RECEIPTS = f"""\
query {{
  orders(first: 3, filter: {{ skus: ["{SHOWN[0]}"] }}, sort: {{ key: PLACED_AT }}) {{
    nodes {{
      number channel {{ name }} placedAt location {{ name }} total {{ amount currencyCode }} reverses {{ number }}
      customer {{ displayName emails {{ value }} }}
      lines(first: 3) {{ nodes {{ sku title quantity total {{ amount }} }} }}
    }}
  }}
}}"""

LIVE = """\
query {{
  stocks(variantIds: ["{variant}"], maxAgeSeconds: 0) {{
    status available onHand observedAt
    sources {{ channel {{ key }} state asOf fault {{ code }} }}
  }}
}}"""


def render_instructions(address: str, control_port: int, variant: str | None) -> str:
    """Render the instructions."""
    parts = [
        f"ready {address}",
        "tokens (Authorization: Bearer …): demo-staff (read), demo-shop and demo-storefront (sell), demo-service "
        "(customers), demo-admin (all scopes)",
        f"1. a product with its listings and stock; no token\n{PRODUCT}",
        f"2. its latest orders; token demo-staff\n{RECEIPTS}",
    ]
    if variant is not None:
        parts.append(f"3. its current stock at the till; token demo-staff\n{LIVE.format(variant=variant)}")
    parts.append(render_control_lines(control_port))
    return "\n\n".join(parts)


def render_control_lines(port: int) -> str:
    """Render the instructions for the control server."""
    world = f"http://127.0.0.1:{port}/world"
    sale = f'{{"sku": "{SHOWN[0]}", "quantity": 2, "location": "store-london"}}'
    return (
        f"A page that shows all of it: http://127.0.0.1:{port}/\n"
        f"A page for customer service: http://127.0.0.1:{port}/customers\n"
        f"A storefront that sells it: http://127.0.0.1:{port}/storefront/\n"
        f"The outside world, {world}:\n"
        f"curl -d '{sale}' {world}/till/sell\n"
        f'curl -d \'{{"mode": "down", "seconds": 30}}\' {world}/till/fault\n'
        "Ctrl-C ends all of it."
    )
