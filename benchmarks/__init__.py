"""Speed and memory of every stage (asv), and accuracy against known truth."""
