"""What the apps in a browser share: links, sessions, security, languages, pages, a database.

The rating app (`mores.rate.web`) and the desk (`mores.desk`) are lists of pages behind one door
(`door.py`). Neither database nor door knows what an app is about.
"""
