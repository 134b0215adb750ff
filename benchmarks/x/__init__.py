"""X, measured against its emulator with the unmodified tweepy: `python -m benchmarks.x storm` (or another):

storm    2,000 replies, half of them to be acted on, with a fault drawn at random on every tenth call
faults   each fault alone, and what the daemon did about it
raid     1,000 abusive replies in a minute at 50 hides in 15 minutes: their order, and the time to drain
check    what `chaperone check` says with good, wrong, read-only, revoked and suspended keys, and without a network
latency  from a line of the stream to the call that hides, at 5 comments a second

Hours pass in seconds, for the clock leaps to the next thing that is due whenever nothing is under way.
"""
