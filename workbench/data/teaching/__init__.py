"""Questions with explanations: formats, sets and what is checked of them. Text only, no models."""
