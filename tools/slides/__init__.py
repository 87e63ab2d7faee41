"""Decks of slides, made from the executed notebooks and the teaching notes."""
