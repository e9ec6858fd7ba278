"""How much a result hangs on its settings: variants, what they change, and how stable it is."""
