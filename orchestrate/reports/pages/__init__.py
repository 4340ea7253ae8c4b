"""The pages: which sections each audience's folder has, in words, numbers and charts."""
