"""Smaller witnesses, and the records that scripts are made of."""
