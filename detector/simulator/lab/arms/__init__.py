"""The arms race: an attacker that sees which of its accounts are refused, and changes how it hides."""
