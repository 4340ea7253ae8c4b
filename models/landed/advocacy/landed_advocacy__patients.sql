{{ landed_records('advocacy', 'patients', key='id') }}
