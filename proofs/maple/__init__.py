"""What claims about the tree stand on: trees little is known of, one leaf, requests refused."""
