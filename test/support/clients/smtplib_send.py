"""Sends a file as it is: smtplib_send.py PORT CA USER FROM TO FILE, the password in PASSWORD."""
import os
import smtplib
import ssl
import sys

port, ca, user, sender, recipient, path = sys.argv[1:]
with smtplib.SMTP("localhost", int(port)) as smtp:
    smtp.starttls(context=ssl.create_default_context(cafile=ca))
    smtp.login(user, os.environ["PASSWORD"])
    with open(path, "rb") as file:
        smtp.sendmail(sender, [recipient], file.read())
