/** Sessions with a submission server, for tests of what a dialogue file cannot say. */
import assert from 'node:assert/strict';
import { type TestContext } from 'node:test';
import { PASSWORD, USER } from '../support/relay-config.ts';
import { openSecureClient, plain, type SmtpClient } from '../support/smtp-client.ts';
import { startSubmission } from '../support/submission.ts';

export const MESSAGE = 'From: orders@shop.example\r\n\r\nbody\r\n';

export async function start(t: TestContext, options?: Parameters<typeof startSubmission>[0]) {
  const server = await startSubmission(options);
  t.after(() => server.stop());
  return server;
}

export async function logIn(server: { port: number; ca: string }, user = USER): Promise<SmtpClient> {
  const client = await openSecureClient(server.port, server);
  assert.match(await client.ask(`AUTH PLAIN ${plain(user, PASSWORD)}`), /^235 /);
  return client;
}

/** So many octets, in lines as mail programs write them. */
export function filler(octets: number): string {
  return `${'x'.repeat(98)}\r\n`.repeat(Math.ceil(octets / 100)).slice(0, octets);
}

/** Up to the 354. */
export async function beginMessage(client: SmtpClient): Promise<void> {
  assert.match(await client.ask('MAIL FROM:<orders@shop.example>'), /^250 /);
  assert.match(await client.ask('RCPT TO:<a@b.example>'), /^250 /);
  assert.match(await client.ask('DATA'), /^354 /);
}

/** A clock that can be set forward. */
export function aClock() {
  const clock = { aheadMs: 0, now: () => Date.now() + clock.aheadMs };
  return clock;
}
