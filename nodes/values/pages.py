"""How wide the pictures of nodes are."""

PAGE = 11.0
"""Width of a picture in inches: text is as large as this tells, whatever the number of pixels."""
