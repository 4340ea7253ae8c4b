{{ landed_verdicts('advocacy', ['patients', 'encounters', 'procedures', 'payers', 'organizations']) }}
