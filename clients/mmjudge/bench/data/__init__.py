"""Data sets: from what is on a disk or a hub to records."""
