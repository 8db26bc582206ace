"""The specimens: data makers, storage formats, loading strategies, synthesis, training epochs."""
