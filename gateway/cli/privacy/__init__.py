"""Commands about erased customers: invoices that the law keeps, and the list of what was erased."""
