"""Spleeter in PyTorch: separation by a U-Net for each stem (Hennequin et al. 2020)."""
