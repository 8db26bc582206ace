"""What this machine is: its hardware facts, the tag that names them, and the document that keeps them."""
