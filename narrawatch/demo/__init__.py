"""Invented outlets and narrative cards: the main job can be tried on them without leaving this machine."""

from pathlib import Path

FOLDER = Path(__file__).parent
CARDS = (FOLDER / "cards.jsonl", *sorted((FOLDER / "cards").glob("*.txt")))
"""The files with the demo's narrative cards, for the importer."""
