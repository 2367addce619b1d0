"""What code, provider, documents and catalogue say of the integration; checks, tables and plots share it."""
