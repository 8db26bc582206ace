"""Choosing a strategy for a node and a data set: measure, predict, race, say why."""
