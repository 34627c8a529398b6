"""Commands that train the small models in ``assets/models``, each from scratch by one command."""
