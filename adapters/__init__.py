"""What frameworks offer. One module for each framework; nothing here imports one before it is asked to."""
