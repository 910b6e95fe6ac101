"""What is right enough: ULP errors, allowances, and what a judgement says."""
