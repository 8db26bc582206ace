"""Is this node fit to measure right now? Raw readings, and judgements of them; no setting is changed."""
