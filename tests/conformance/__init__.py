"""Items of TC609-6-2025-16 shown whole, a module each."""
