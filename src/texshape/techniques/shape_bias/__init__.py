"""Shape bias: what the decisions on cue-conflict images follow (`texshape.trials` computes it)."""
