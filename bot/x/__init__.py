"""What `bot/platforms/x.py` is made of: payloads, errors, calls, the stream, what is remembered."""
