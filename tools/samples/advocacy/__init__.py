"""The advocacy sample: a hospital, its patients, their insurers and their care."""
