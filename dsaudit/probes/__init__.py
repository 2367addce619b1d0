"""Forged deliveries of webhooks, made by a scheme of the catalogue, and sent where the parameter file allows it."""
