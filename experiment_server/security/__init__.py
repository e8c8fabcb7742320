"""Who may do what: sessions, keys, roles, CSRF, limits."""
