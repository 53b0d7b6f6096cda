/** Builders of messages for the delivering half: a test names only what it is about. */
import { createMetrics, type Metrics } from '../../relay/observe/metrics.ts';
import { createLog, type Log } from '../../relay/observe/log.ts';
import type { AcceptedMessage, Content, Envelope } from '../../relay/message.ts';
import { type Disk, nodeDisk } from '../../relay/spool/disk.ts';
import type { Spool } from '../../relay/spool/spool.ts';
import { LIST, NAMESPACE, USER } from './relay-config.ts';
import path from 'node:path';
import { Writable } from 'node:stream';

let count = 0;

export function anId(): string {
  return `TEST${String(++count).padStart(6, '0')}`;
}

export const CONTENT = Buffer.from(
  'From: orders@shop.example\r\nTo: you@elsewhere.example\r\nSubject: hello\r\n\r\nA line\r\n.dot\r\n..\r\nlast\r\n',
);

export function aMessage(
  overrides: Partial<Omit<AcceptedMessage, 'envelope'>> & {
    to?: readonly string[];
    envelope?: Partial<Envelope>;
    content?: Buffer;
  } = {},
): AcceptedMessage {
  const { to = ['you@elsewhere.example'], envelope, content = CONTENT, ...rest } = overrides;
  return {
    id: anId(),
    user: USER,
    namespace: NAMESPACE,
    list: LIST,
    size: content.length,
    received: new Date().toISOString(),
    ...rest,
    envelope: {
      from: 'orders@shop.example',
      recipients: to.map((address) => ({ address })),
      eightBit: false,
      ...envelope,
    },
  };
}

export function inMemory(bytes: Buffer = CONTENT): Content {
  return { head: Buffer.alloc(0), body: { kind: 'memory', bytes } };
}

/** As a message comes in that is too large for memory. */
export async function inFile(
  { incomingFolder }: Pick<Spool, 'incomingFolder'>,
  { id, bytes, head = Buffer.alloc(0) }: { readonly id: string; readonly bytes: Buffer; readonly head?: Buffer },
  disk: Pick<Disk, 'write'> = nodeDisk,
): Promise<Content> {
  const file = path.join(incomingFolder, `${id}.part`);
  await disk.write(file, bytes);
  return { head, body: { kind: 'file', path: file } };
}

export interface CapturedLog {
  readonly log: Log;
  readonly lines: Record<string, unknown>[];
}

/** A real log whose lines can be looked at. */
export function captureLog(): CapturedLog {
  const lines: Record<string, unknown>[] = [];
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      for (const line of chunk.toString().trim().split('\n')) lines.push(JSON.parse(line) as Record<string, unknown>);
      done();
    },
  });
  return { log: createLog(stream), lines };
}

export async function metricValue(
  metrics: Metrics,
  name: string,
  labels: Record<string, string> = {},
): Promise<number> {
  const metric = await metrics.registry.getSingleMetric(`smtpplus_${name}`)?.get();
  const found = metric?.values.find((value) =>
    Object.entries(labels).every(([key, text]) => value.labels[key] === text),
  );
  return found?.value ?? 0;
}

export { createMetrics };

/** Waits for something that happens by itself; fails loudly when it does not. */
export async function eventually(what: string, check: () => boolean | Promise<boolean>, seconds = 60): Promise<void> {
  // not `Date`: a test may have stopped that clock
  const deadline = performance.now() + seconds * 1000;
  while (!(await check())) {
    if (performance.now() > deadline) throw new Error(`never happened: ${what}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  }
}
