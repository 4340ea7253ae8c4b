{{ landed_records('residency', 'exam_to_cpt') }}
