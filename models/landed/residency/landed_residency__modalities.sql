{{ landed_records('residency', 'modalities', key='id') }}
