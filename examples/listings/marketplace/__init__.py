"""A marketplace of its own: pages of computers for sale, some of them without a price, slow, failing or odd."""
