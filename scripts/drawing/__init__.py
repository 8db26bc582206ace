"""What ``scripts/figures`` draws with: a look that all figures share, and a package a subject."""
