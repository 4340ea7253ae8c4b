{{ landed_verdicts('residency', ['studies', 'organizations', 'modalities', 'exam_to_cpt']) }}
