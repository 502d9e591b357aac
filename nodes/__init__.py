"""The nodes that come with resynthesis: every public module here is a family of nodes."""
