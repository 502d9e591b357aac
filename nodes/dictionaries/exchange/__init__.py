"""Books in files: of NumPy, of Parquet, of MPTK, and scores for Csound and SuperCollider."""
