"""Books in files: of NumPy, of MPTK, and scores for Csound and SuperCollider."""
