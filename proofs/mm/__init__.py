"""What claims about fork and page tables stand on: address spaces, walks, layouts."""
