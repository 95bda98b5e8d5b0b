"""The commerce model: ids, money, catalog, stock, customers and orders. Uses the standard library only."""
