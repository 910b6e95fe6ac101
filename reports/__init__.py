"""What was seen: run files, their comparison, and the pages, tables and data made from them."""
