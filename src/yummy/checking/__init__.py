"""What `python -m yummy check` does: looks at scripts without a server, and says what is wrong with them.

`examination` joins the parts: reading of the texts (`references`, `imports`), a load by the hook engine itself, and
calls with sample models (`trial`). What it finds are `problems`.
"""
