{{ landed_records('advocacy', 'payers', key='id') }}
