/** The relay process: what runs in each relay pod, and serves by the configuration that an operator writes. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { drainSpools } from '../../relay/drain.ts';
import { startRelay } from '../../relay/main.ts';
import type { WorkersSetting } from '../../relay/workers/setting.ts';
import { ensureCertificates } from '../certificates/self-signed.ts';
import type { OwnCertificates } from '../certificates/self-signed.ts';
import { sharePorts } from '../ports.ts';
import type { SharedPorts } from '../ports.ts';
import { keepCertificates } from '../standalone/certificates.ts';
import { createConsole } from '../standalone/console.ts';
import type { Console } from '../standalone/console.ts';
import { endBySpool, endOfRun, EXIT_FAILURE, EXIT_USAGE } from '../end-of-run.ts';
import { type FleetFlags, fleetOf, writeLastWords } from './fleet-flags.ts';
import { explainStart } from '../standalone/explain.ts';
import { troubleAhead } from '../standalone/preflight.ts';

/** Flags of `smtp-plus relay`. */
export interface RelayFlags extends FleetFlags {
  /** Folder with class.json and shard-NNN.json. */
  readonly config: string;
  readonly state: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  /** Takes no mail, and ends when nothing is left in the spool. */
  readonly drain: boolean;
  readonly ports: string;
  readonly implicitTlsPorts: string;
  readonly skipBusyPorts: boolean;
  readonly workers: WorkersSetting;
  readonly http: number;
  readonly capture?: string;
}

/** Runs until a signal. Resolves to the exit code. */
export async function runRelay(flags: RelayFlags): Promise<number> {
  const output = createConsole({ json: true });
  const ports = sharePorts(flags);
  if ('problem' in ports) return output.fail([`--ports: ${ports.problem}`], EXIT_USAGE);
  const { state, capture } = flags;
  const trouble = await troubleAhead({ state, capture, ports: ports.ports.length + ports.implicitTlsPorts.length });
  if (trouble !== undefined) return output.fail([trouble], EXIT_USAGE);
  try {
    return flags.drain ? await drain(flags, output) : await run(flags, { ports, output });
  } catch (error) {
    return output.fail([explainStart(error, { ...flags, ...ports })], EXIT_FAILURE);
  }
}

async function run(flags: RelayFlags, { ports, output }: { ports: SharedPorts; output: Console }): Promise<number> {
  const { log } = output;
  const end = endOfRun(log);
  // until the configuration says what may be shown
  log.addresses.use({ addresses: 'hashed' });
  const tls = await keepCertificates(() => readCertificates(flags), { log });
  const relay = await output.during('opening ports', () =>
    startRelay({
      configFolder: flags.config,
      spoolFolder: join(flags.state, 'spool'),
      captureFolder: flags.capture ?? join(flags.state, 'outbox'),
      certificates: tls.current,
      workers: flags.workers,
      host: flags.host,
      ...ports,
      http: { host: flags.host, port: flags.http },
      fleet: fleetOf(flags),
      log,
      onFatal: endBySpool(end),
    }),
  );
  tls.onRenewal(relay.updateCertificates);
  output.listening(relay);
  const code = await end.code;
  tls.close();
  if (code === 0) await writeLastWords(flags, await relay.close());
  return code;
}

async function drain(flags: RelayFlags, { log }: Console): Promise<number> {
  const end = endOfRun(log);
  const stop = new AbortController();
  log.addresses.use({ addresses: 'hashed' });
  const tls = await keepCertificates(() => readCertificates(flags), { log });
  const fleet = fleetOf(flags);
  const drained = drainSpools({
    configFolder: flags.config,
    spoolFolder: join(flags.state, 'spool'),
    captureFolder: flags.capture ?? join(flags.state, 'outbox'),
    certificates: tls.current,
    // it gives, and takes nothing
    fleet: fleet && { ...fleet, port: undefined },
    log,
    onFatal: endBySpool(end),
    signal: stop.signal,
  });
  const code = await Promise.race([end.code, drained.then(() => 0)]);
  tls.close();
  stop.abort();
  if (code === 0) await writeLastWords(flags, await drained);
  return code;
}

/** The files that were named, read again when somebody renews them; else a certificate of the relay's own. */
async function readCertificates({ tlsCert, tlsKey, state }: RelayFlags): Promise<OwnCertificates> {
  if (tlsCert === undefined || tlsKey === undefined) {
    return ensureCertificates(join(state, 'tls'), { hostnames: [hostname(), 'localhost'] });
  }
  const [cert, key] = [await readFile(tlsCert, 'utf8'), await readFile(tlsKey, 'utf8')];
  return { ca: '', cert, key, notAfter: new Date(new X509Certificate(cert).validTo) };
}
