/** A submission server on a free port: real sockets, real TLS, a real spool, and no delivery. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Writable } from 'node:stream';
import { accept } from '../../relay/accept.ts';
import { bytesOf as bytesOfContent } from '../../relay/delivery/content.ts';
import type { RelayConfig } from '../../relay/config/config.ts';
import { listen } from '../../relay/submission/listen.ts';
import { createLog } from '../../relay/observe/log.ts';
import type { AcceptedMessage, SubmittedMessage } from '../../relay/message.ts';
import { createMetrics } from '../../relay/observe/metrics.ts';
import { replies } from '../../relay/replies.ts';
import { openSpool } from '../../relay/spool/spool.ts';
import { createSubmissionServer, type SubmissionServerOptions } from '../../relay/submission/server.ts';
import { ensureCertificates } from '../../operator/certificates/self-signed.ts';
import { aConfig } from './relay-config.ts';

export type SubmissionFixture = Awaited<ReturnType<typeof startSubmission>>;

/** `config` can be replaced while it runs, and be undefined. Call `stop` when done. */
export async function startSubmission(
  options: { config?: RelayConfig | undefined } & Partial<Omit<SubmissionServerOptions, 'config'>> = {},
) {
  const fixture: { config: RelayConfig | undefined } = { config: 'config' in options ? options.config : aConfig() };
  const folder = await mkdtemp(path.join(tmpdir(), 'submission-'));
  const spoolFolder = path.join(folder, 'spool');
  const lines: Record<string, unknown>[] = [];
  const log = createLog(collect(lines));
  const metrics = createMetrics();
  const spool = await openSpool(spoolFolder, { metrics, log, reserveBytes: () => 1 });
  const certificate = await ensureCertificates(path.join(folder, 'tls'), { hostnames: ['localhost'] });
  const accepted: SubmittedMessage[] = [];
  const server = createSubmissionServer({
    certificate,
    hostname: 'fallback.example',
    metrics,
    log,
    accept: async (message, content) => {
      const reply = await accept({ config: () => fixture.config, spool, delivery: nowhere }, message, content);
      accepted.push(message);
      return reply;
    },
    room: { refusal: spool.refusal, use: spool.useRoom, incoming: spool.incoming },
    incomingFolder: spool.incomingFolder,
    ...options,
    config: () => fixture.config,
  });
  const listening = await listen(server, { host: '127.0.0.1', ports: [0], implicitTlsPorts: [0] });
  const [port = 0] = listening.ports;
  const [implicitTlsPort = 0] = listening.implicitTlsPorts;
  async function bytesOf(message: AcceptedMessage | undefined): Promise<Buffer> {
    const stored = await spool.read(message?.id ?? '');
    if (stored === undefined) throw new Error('no such message');
    return bytesOfContent(stored.content);
  }

  return Object.assign(fixture, {
    server,
    log,
    metrics,
    port,
    implicitTlsPort,
    ca: certificate.ca,
    certificate,
    /** Lines of the log so far. */
    lines,
    /** Messages answered with 250, in order. */
    accepted,
    bytesOf,
    contentOf: async (message: AcceptedMessage | undefined) => (await bytesOf(message)).toString('latin1'),
    /** Names of files of messages that are coming in. */
    incoming: () => readdir(spool.incomingFolder),
    spool,
    spoolFolder,
    async stop(): Promise<void> {
      await listening.close();
      await server.drain(0);
      await spool.close();
      await rm(folder, { recursive: true, force: true });
    },
  });
}

/** There is no upstream. */
const nowhere = { passThrough: () => Promise.resolve(replies.upstreamUnavailable()) };

function collect(lines: Record<string, unknown>[]): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      for (const line of chunk.toString().split('\n').filter(Boolean)) lines.push(JSON.parse(line));
      done();
    },
  });
}
