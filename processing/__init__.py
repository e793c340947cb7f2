"""Captured pages in, articles and flags out."""
