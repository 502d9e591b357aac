"""Works made from the iterates of inversions: rises, pools, and what loudspeakers draw from them."""
