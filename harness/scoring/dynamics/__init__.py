"""What the diagnostics of training measure: formulas and the document that holds them."""
