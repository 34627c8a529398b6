"""How each family of published models is asked for places, and how its answer is read."""
