"""A search as data: filters, expressions and pipes. What the language makes of a text, and what the stores compile."""
