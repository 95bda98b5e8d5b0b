"""What we know: tables, and statements by noun. Nothing outside this package imports sqlalchemy."""
