"""Training frameworks' own HTTP protocols, answered by the same engine; off by default."""
