"""Reads what a system lets itself be watched by: its metrics, alert rules and dashboards, and lets the alerts fire."""
