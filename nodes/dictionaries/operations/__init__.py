"""What is done with books: each operation makes a book of a book."""
