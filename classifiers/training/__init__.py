"""How the shipped model is made: `corpus` builds the rows, `train` trains, `evaluate` measures and writes the card.

Needs the `train` extra. Nothing here is imported at run time.
"""
