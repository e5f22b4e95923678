"""The rating app: pages for raters and for the study's owner.

routes.py    every address with its method and the role that may use it
app.py       one door for all of them: limits, origin, session, form token, then the page
security.py  headers, cookies, origin, rate limits
rater.py  answers.py  owner.py  unblinding.py  files.py  public.py      the pages
i18n.py  templates/  static/  messages/
"""
