"""Other programs that do the same work, one module each; `benchmarks.compare` runs them."""
