"""What is sent: domains, frozen draws, and the named cases made of them."""
