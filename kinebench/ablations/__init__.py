"""The paper's ablation tables as declared experiments: planned, run where something is missing, scored, reported."""
