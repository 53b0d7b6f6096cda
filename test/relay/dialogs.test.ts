/**
 * Dialogues as files: each is one session, octet by octet, over real sockets and real TLS.
 *
 *   C: text        sends a line; \r \n \0 \xNN, {plain USER PASSWORD}, {b64 TEXT}, {password} and {repeat N TEXT} work
 *   C> text        sends without a line end
 *   S: text        the next line of the server; `...` at its end stands for any text, after `250-` for all of a reply
 *   TLS            greeting, EHLO, STARTTLS and handshake; HANDSHAKE is the handshake alone
 *   LOGIN user     the same, then EHLO and AUTH PLAIN
 *   MESSAGE text   MAIL, RCPT, DATA and a message with this header
 *   RECONNECT      goes on with another connection
 *   CLOSED         the server has ended the connection and said nothing more
 *   SPOOLED n      so many messages have been taken since the start of the dialogue
 *   pieces: whole  in the first lines: what it says depends on which octets come together
 *
 * Each is played three times: line by line, octet by octet, and in bursts, where commands that may be pipelined (RFC 2920
 * section 3.1) are sent at once and their replies read afterwards.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { after, describe, test } from 'node:test';
import { PASSWORD } from '../support/relay-config.ts';
import { openClient, plain, type SmtpClient } from '../support/smtp-client.ts';
import { startSubmission, type SubmissionFixture } from '../support/submission.ts';
import { SCENES, type SceneName } from './scenes.ts';

const FOLDER = path.join(import.meta.dirname, 'dialogs');
const servers = new Map<string, Promise<SubmissionFixture>>();

after(async () => {
  for (const server of servers.values()) await (await server).stop();
});

for (const pace of ['line by line', 'octet by octet', 'in bursts'] as const) {
  describe(`dialogues ${pace}`, () => {
    for (const file of readdirSync(FOLDER)) {
      const [title = '', ...lines] = readFileSync(path.join(FOLDER, file), 'utf8').trimEnd().split('\n');
      if (pace === 'octet by octet' && lines.includes('pieces: whole')) continue;
      test(title.replace('# ', ''), () => run(lines, pace));
    }
  });
}

/** One for each scene and pace: rates and lock-outs are counted once. */
function serverOf(name: SceneName, pace: Pace): Promise<SubmissionFixture> {
  const key = `${pace} ${name}`;
  const server = servers.get(key) ?? startSubmission(SCENES[name]());
  servers.set(key, server);
  return server;
}

function isScene(name: string): name is SceneName {
  return name in SCENES;
}

type Pace = 'line by line' | 'octet by octet' | 'in bursts';

/** Nothing may be sent behind these before they are answered, and nothing of what is no command. */
const LAST_OF_A_GROUP = /^C: (?!MAIL|RCPT|RSET|NOOP|VRFY|HELP)/i;

/** Puts the commands of a group into one step, and what is expected after it. */
function inBursts(steps: readonly string[]): string[] {
  const ordered: string[] = [];
  let group = { sent: [] as string[], expected: [] as string[], isFull: false };
  const finish = () => {
    if (group.sent.length > 0) ordered.push(`C: ${group.sent.join(String.raw`\r\n`)}`);
    ordered.push(...group.expected);
    group = { sent: [], expected: [], isFull: false };
  };
  for (const step of steps) {
    if (step.startsWith('C: ')) {
      if (group.isFull) finish();
      group.sent.push(step.slice('C: '.length));
      group.isFull = LAST_OF_A_GROUP.test(step);
    } else if (step.startsWith('S: ')) {
      group.expected.push(step);
    } else {
      finish();
      ordered.push(step);
    }
  }
  finish();
  return ordered;
}

async function run(lines: readonly string[], pace: Pace): Promise<void> {
  const scene = lines.find((line) => line.startsWith('config: '))?.slice(8) ?? 'standard';
  assert.ok(isScene(scene), scene);
  const server = await serverOf(scene, pace);
  const spooledBefore = server.accepted.length;
  let client = await openClient(server.port, { ca: server.ca });
  let unread: string[] = [];
  for (const line of pace === 'in bursts' ? inBursts(lines) : lines) {
    for (const part of expand(line).split('\u2028')) {
      await step(part).catch((cause: unknown) => {
        throw new Error(line, { cause });
      });
    }
  }
  client.destroy();

  async function send(octets: string): Promise<void> {
    if (pace !== 'octet by octet') return client.send(octets);
    for (const octet of octets) {
      await client.send(octet);
      await turn();
    }
  }

  async function step(line: string): Promise<void> {
    const [verb = '', text = ''] = line.split(/ (.*)/s);
    switch (verb) {
      case 'config:':
      case 'pieces:':
        return undefined;
      case 'C:':
        return send(`${text}\r\n`);
      case 'C>':
        return send(text);
      case 'S:':
        return expectLine(text);
      case 'TLS':
        return startTls(client);
      case 'HANDSHAKE':
        await client.startTls();
        return undefined;
      case 'LOGIN':
        await startTls(client);
        await client.ask('EHLO client.example');
        assert.match(await client.ask(`AUTH PLAIN ${plain(text, PASSWORD)}`), /^235 /);
        return undefined;
      case 'MESSAGE':
        await client.send('MAIL FROM:<orders@shop.example>\r\nRCPT TO:<a@b.example>\r\nDATA\r\n');
        for (const code of ['250', '250', '354']) assert.equal((await client.reply()).slice(0, 3), code);
        return send(`${text}\r\n\r\nbody\r\n.\r\n`);
      case 'RECONNECT':
        client.destroy();
        client = await openClient(server.port, { ca: server.ca });
        return undefined;
      case 'CLOSED':
        assert.equal(await client.closed(), '');
        return undefined;
      case 'SPOOLED':
        assert.equal(server.accepted.length - spooledBefore, Number(text));
        return undefined;
      default:
        throw new Error('no such step');
    }
  }

  async function expectLine(expected: string): Promise<void> {
    if (unread.length === 0) unread = (await client.reply()).split('\n');
    const line = unread.shift() ?? '';
    if (expected.endsWith('-...')) unread = [];
    if (expected.endsWith('...')) assert.equal(line.slice(0, expected.length - 3), expected.slice(0, -3));
    else assert.equal(line, expected);
  }
}

async function startTls(client: SmtpClient): Promise<void> {
  assert.match(await client.reply(), /^220 /);
  await client.ask('EHLO client.example');
  assert.match(await client.ask('STARTTLS'), /^220 /);
  await client.startTls();
}

/** Whole lines that are repeated come apart at U+2028. */
function expand(line: string): string {
  return line
    .replaceAll('{password}', PASSWORD)
    .replaceAll(/^\{repeat (\d+) (S: .*)\}$/g, (_, count, text) => Array(Number(count)).fill(text).join('\u2028'))
    .replaceAll(/\{repeat (\d+) (.*?)\}/g, (_, count, text) => text.repeat(Number(count)))
    .replaceAll(/\{plain (\S*) (\S+)\}/g, (_, user, password) => plain(user, password))
    .replaceAll(/\{plainas (\S+) (\S+) (\S+)\}/g, (_, as, user, password) => plain(user, password, as))
    .replaceAll(/\{b64 (\S+)\}/g, (_, text) => Buffer.from(text).toString('base64'))
    .replaceAll(/\\(r|n|0|x[0-9a-f]{2})/g, (_, escape: string) => unescape(escape));
}

function unescape(escape: string): string {
  if (escape.startsWith('x')) return String.fromCharCode(Number.parseInt(escape.slice(1), 16));
  return { r: '\r', n: '\n', 0: '\0' }[escape] ?? '';
}
