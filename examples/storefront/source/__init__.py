"""The provider of the storefront sample: a commerce API with webhooks, run as a process of its own."""
