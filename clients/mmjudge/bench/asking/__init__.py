"""Asking judges about records, resumably."""
