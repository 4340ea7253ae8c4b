{{ landed_records('advocacy', 'procedures') }}
