module smtpplus.io/test/client

go 1.21
