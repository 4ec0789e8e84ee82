"""What the tests and the demo share: private MTAs, an SMTP sink, a client."""
