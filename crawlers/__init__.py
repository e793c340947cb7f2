"""Outlets in, captured pages (WARC) out."""
