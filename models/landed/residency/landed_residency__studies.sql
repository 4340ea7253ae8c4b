{{ landed_records('residency', 'studies') }}
