"""Personal data: which columns hold it, requests about it, and what an erase leaves."""
