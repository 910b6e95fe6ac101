"""The definitions, as textbooks print them, with the bounds that their answers are held to; by what they are about."""
