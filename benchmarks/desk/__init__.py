"""The desk on Discord, discord.py itself against the emulator: `python -m benchmarks.desk transcript` (or another):

transcript  a comment on X becomes a card, a moderator presses Hide, X hides, the card says so; then a restart and a
            month, and another card of old still works. Writes docs/discord-transcript.md, and docs/card.png
race        two moderators press different buttons within 10 ms, 200 times
outcomes    everything that goes wrong, one after the other, and what came of it
masking     all that reached Discord of our own disclosures and crises, searched for every identifier marked in them
latency     press to acknowledgement, to platform call, to edited card; and 1,000 cases without rate limits
"""
