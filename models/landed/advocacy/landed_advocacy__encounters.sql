{{ landed_records('advocacy', 'encounters', key='id') }}
