"""Chaperone, told as pseudo-code.

    for each account:                                    # app, one task each
        for batch in platform.events(cursor):            # platforms
            inbox.receive(batch)                         # written down with its cursor, jobs asked for

    for each batch of comments that wait:                # classify
        assessments = pipeline.assess(texts)             # classifiers, off the event loop
        for comment, assessment in order:
            decision = decide(assessment, facts, policy) # pure: leave, act, ask
            write assessment, decision, actions, case    # one transaction

    for each action that waits, the gravest first:       # act
        write "sending"
        provider.perform(verb, order)                    # the platform; in shadow, nothing
        write what came of it                            # done, refused, waiting, checking, unknown

    for each case, a person:                             # review
        rules                                            # which is actions again, and an audit row

Whatever is interrupted is found in the store and goes on from there.
"""
