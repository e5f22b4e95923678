"""What is published of a study in forms that others read; every number is the report's.

publish(study)    model cards, dataset cards, Croissant, results in three formats; uploads nothing
"""
