"""How a generator is asked to judge: templates, questions, and what its answers come to."""
