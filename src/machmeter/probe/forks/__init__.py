"""The benchmark processes of the gate: a zygote, a side a commit, a measuring process a pair."""
