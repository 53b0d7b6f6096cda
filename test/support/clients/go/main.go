// Sends a file as it is with net/smtp: main PORT CA USER FROM TO FILE, the password in PASSWORD.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"log"
	"net/smtp"
	"os"
)

func main() {
	port, ca, user, from, to, file := os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5], os.Args[6]
	pem, err := os.ReadFile(ca)
	check(err)
	message, err := os.ReadFile(file)
	check(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)

	client, err := smtp.Dial("localhost:" + port)
	check(err)
	check(client.StartTLS(&tls.Config{ServerName: "localhost", RootCAs: roots}))
	check(client.Auth(smtp.PlainAuth("", user, os.Getenv("PASSWORD"), "localhost")))
	check(client.Mail(from))
	check(client.Rcpt(to))
	writer, err := client.Data()
	check(err)
	_, err = writer.Write(message)
	check(err)
	check(writer.Close())
	check(client.Quit())
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
