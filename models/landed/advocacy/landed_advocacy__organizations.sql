{{ landed_records('advocacy', 'organizations', key='id') }}
