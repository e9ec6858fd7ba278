"""Numerical building blocks that several domains need."""
