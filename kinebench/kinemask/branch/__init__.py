"""The control branch: what is trained beside a frozen video model."""
