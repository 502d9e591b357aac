"""Dictionary-based methods: sounds as books of atoms, and what is made of these."""
