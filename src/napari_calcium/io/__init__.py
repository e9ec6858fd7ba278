"""Readers and writers, one file a format, and the results folder."""
