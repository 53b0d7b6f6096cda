import assert from 'node:assert/strict';
import { test } from 'node:test';
import { handshakeLoss } from './lost-connection.ts';

/** Errors as Node gave them to the server for the clients in the comments. */
const SEEN = [
  // openssl s_client -tls1_1
  ['ERR_SSL_UNSUPPORTED_PROTOCOL', 'tls_protocol'],
  ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', 'tls_protocol'],
  // openssl s_client -tls1_2 -cipher AES128-SHA
  ['ERR_SSL_NO_SHARED_CIPHER', 'tls_cipher'],
  ['ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE', 'tls_cipher'],
  // openssl s_client -verify_return_error, Python, Go, Java
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'tls_certificate'],
  ['ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE', 'tls_certificate'],
  ['ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_UNKNOWN', 'tls_certificate'],
  ['ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_EXPIRED', 'tls_certificate'],
  // a browser, an SMTP client on the wrong port
  ['ERR_SSL_HTTP_REQUEST', 'tls_missing'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'tls_missing'],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', 'tls_missing'],
  ['ECONNRESET', 'tls_abandoned'],
  [undefined, 'tls_abandoned'],
  ['ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC', 'tls_failed'],
] as const;

test('the error of a handshake says what is wrong with the client', () => {
  for (const [code, reason] of SEEN) assert.equal(handshakeLoss(code), reason, code);
});
