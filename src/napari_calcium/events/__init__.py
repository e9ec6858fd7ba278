"""Transient calcium events: when each neuron was active, and what its events are like."""
