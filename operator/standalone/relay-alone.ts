import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { startRelay } from '../../relay/main.ts';
import { ensureCertificates } from '../../relay/tls.ts';
import type { Certificates } from '../../relay/tls.ts';
import { makeFolder } from '../adapters/directory/write-file.ts';
import { parsePorts } from '../settings.ts';
import { keepCertificates } from './certificates.ts';
import { createConsole } from './console.ts';
import { endOfRun } from './end.ts';

/** Flags of `smtp-plus relay`. */
export interface RelayFlags {
  /** Folder with class.json and shard-NNN.json. */
  readonly config: string;
  readonly state: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly host?: string;
  readonly ports: string;
  readonly implicitTlsPorts: string;
  readonly http: number;
  readonly capture?: string;
}

const FAILED = 1;

/** Runs the relay alone until a signal. Resolves to the exit code. */
export async function runRelay(flags: RelayFlags): Promise<number> {
  const output = createConsole({ json: true });
  try {
    return await run(flags, output);
  } catch (error) {
    return output.fail([error instanceof Error ? error.message : String(error)], FAILED);
  }
}

async function run(flags: RelayFlags, output: ReturnType<typeof createConsole>): Promise<number> {
  const { log } = output;
  const end = endOfRun(log);
  await makeFolder(flags.state);
  const tls = await keepCertificates(() => readCertificates(flags), { log });
  const relay = await output.during('opening ports', () =>
    startRelay({
      configFolder: flags.config,
      spoolFolder: join(flags.state, 'spool'),
      captureFolder: flags.capture ?? join(flags.state, 'outbox'),
      certificates: tls.current,
      host: flags.host,
      ports: parsePorts(flags.ports) ?? [],
      implicitTlsPorts: parsePorts(flags.implicitTlsPorts) ?? [],
      http: { host: flags.host, port: flags.http },
      log,
      onFatal: end.fail,
    }),
  );
  tls.onRenewal(relay.updateCertificates);
  output.listening(relay);
  const code = await end.code;
  tls.close();
  if (code === 0) await relay.close();
  return code;
}

/** The files that were named, read again when somebody renews them; else a certificate of the relay's own. */
async function readCertificates({ tlsCert, tlsKey, state }: RelayFlags): Promise<Certificates> {
  if (tlsCert === undefined || tlsKey === undefined) {
    return ensureCertificates(join(state, 'tls'), { hostnames: [hostname(), 'localhost'] });
  }
  const [cert, key] = [await readFile(tlsCert, 'utf8'), await readFile(tlsKey, 'utf8')];
  return { ca: '', cert, key, notAfter: new Date(new X509Certificate(cert).validTo) };
}
