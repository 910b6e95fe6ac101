"""What a report is written as: HTML, Markdown, JSON."""
