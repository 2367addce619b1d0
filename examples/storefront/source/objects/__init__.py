"""Builders of the objects a shop holds; the generator and the live changes both use them."""
