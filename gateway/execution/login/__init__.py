"""Login of shoppers: tokens (JWT, RFC 7519) of the issuers of the configuration (rule C8)."""
