{{ landed_records('residency', 'organizations', key='id') }}
