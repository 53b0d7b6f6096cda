"""Sends international mail as smtplib does by itself: smtplib_utf8.py PORT CA USER FROM TO, the password in PASSWORD."""
import os
import smtplib
import ssl
import sys
from email.message import EmailMessage

port, ca, user, sender, recipient = sys.argv[1:]
message = EmailMessage()
message["From"] = f"Жук <{sender}>"
message["To"] = recipient
message["Subject"] = "привет"
message["Date"] = "Mon, 23 Nov 2026 10:00:00 +0000"
message["Message-ID"] = "<utf8@shop.example>"
message.set_content("тело\n", cte="8bit")
with smtplib.SMTP("localhost", int(port)) as smtp:
    smtp.starttls(context=ssl.create_default_context(cafile=ca))
    smtp.login(user, os.environ["PASSWORD"])
    smtp.send_message(message)
