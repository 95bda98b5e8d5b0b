"""What commerce is: ids, money, catalogue, stock, customers, orders. Standard library only."""
