"""What must not leave, and what must not act: secrets, personal data, formulas, hostile texts."""
