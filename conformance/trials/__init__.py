"""One setting, one case, its calls and how they are judged."""
