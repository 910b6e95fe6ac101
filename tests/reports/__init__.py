"""Tests of run files and of what is made from them: no framework is imported."""
