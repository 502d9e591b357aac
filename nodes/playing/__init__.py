"""Pages on which sounds are heard together: no network, no other file."""
