/** The way to the relay, step by step as a client library goes it: name, connection, TLS, log-in. */
import { lookup } from 'node:dns/promises';
import { isIP, type Socket } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import { dial } from '../../relay/delivery/dial.ts';
import { introduce, type NotReady, type SmtpClient } from '../../relay/smtp/client/client.ts';
import { createWire, within } from '../../relay/smtp/client/wire.ts';
import { messageOf } from '../errors.ts';
import type { AppCredentials } from './credentials.ts';
import { CommandError } from './source.ts';

export interface Failed {
  readonly step: string;
  readonly problem: string;
  /** Without a full stop. */
  readonly mend: string;
}

interface Connected {
  readonly client: SmtpClient;
  /** `HOST:PORT`. */
  readonly server: string;
  readonly steps: readonly string[];
}

const CONNECT_SECONDS = 20;

export async function connectAs(credentials: AppCredentials, server: string | undefined): Promise<Connected | Failed> {
  const { host, port } = server === undefined ? credentials : serverOf(server);
  const shown = `${host}:${port}`;
  const signal = AbortSignal.timeout(CONNECT_SECONDS * 1000);
  const socket = await reach(host, port, signal);
  if ('step' in socket) return socket;
  const steps = [`Connected to ${shown}.`];
  const wire = createWire(socket);
  const onTimeout = (): void => wire.breakOff(`no answer within ${CONNECT_SECONDS} s`);
  signal.addEventListener('abort', onTimeout);
  const { username: user, password: secret, isImplicitTls } = credentials;
  try {
    const client = await introduce(wire, {
      name: '[127.0.0.1]',
      tls: isImplicitTls ? 'Implicit' : 'Required',
      tlsOptions: tlsOptions(credentials),
      handshakeDeadline: within(CONNECT_SECONDS),
      login: { user, secret, host, port, mechanisms: ['PLAIN', 'LOGIN'], isForClearText: false },
    });
    if ('problem' in client) {
      wire.breakOff(client.problem);
      return failed(client, credentials);
    }
    const tls = `TLS is on, with a certificate for ${credentials.host}${credentials.ca === undefined ? '' : ' by the ca.crt of the Secret'}.`;
    return { client, server: shown, steps: [...steps, tls, `Logged in as ${user}.`] };
  } finally {
    signal.removeEventListener('abort', onTimeout);
  }
}

function serverOf(server: string): { readonly host: string; readonly port: number } {
  const [, host = '', port = ''] = /^\[?([^[\]]+)\]?:([0-9]{1,5})$/.exec(server) ?? [];
  if (host === '' || Number(port) < 1 || Number(port) > 65_535) {
    throw new CommandError(`--server ${server} is no HOST:PORT, such as localhost:2525`);
  }
  return { host, port: Number(port) };
}

async function reach(host: string, port: number, signal: AbortSignal): Promise<Socket | Failed> {
  const addresses = await lookup(host, { all: true }).catch((error: unknown) => messageOf(error));
  const isOfCluster = /\.svc(\.|$)/.test(host);
  const way = isOfCluster
    ? `run this in a pod of the cluster, or forward a port: kubectl -n ${host.split('.')[1] ?? ''} port-forward svc/${host.split('.')[0]} 2525:${port}, and add --server localhost:2525`
    : 'see that the relay runs and listens there, and that no firewall or NetworkPolicy is in between';
  if (typeof addresses === 'string') return { step: 'the look-up of the server', problem: addresses, mend: way };
  try {
    return await dial(
      addresses.map(({ address }) => address),
      port,
      signal,
    );
  } catch (error) {
    const problem = signal.aborted ? `no answer within ${CONNECT_SECONDS} s` : messageOf(error);
    return { step: `the connection to ${host}:${port}`, problem, mend: way };
  }
}

function tlsOptions({ host, ca }: AppCredentials) {
  return {
    minVersion: 'TLSv1.2' as const,
    ...(ca !== undefined && { ca }),
    ...(isIP(host) === 0 && { servername: host }),
    checkServerIdentity: (_: string, certificate: Parameters<typeof checkServerIdentity>[1]) =>
      checkServerIdentity(host, certificate),
  };
}

const STEPS = { greeting: 'the greeting', handshake: 'STARTTLS', login: 'the log-in' } as const;

function failed({ at, problem, loginCode }: NotReady, { secret, ca }: AppCredentials): Failed {
  return {
    step: STEPS[at],
    problem,
    mend: mendOf(at, loginCode, ca === undefined ? secret : `the ca.crt of ${secret}`),
  };
}

function mendOf(at: NotReady['at'], loginCode: number | undefined, authority: string): string {
  switch (at) {
    case 'greeting':
      return 'the reply says why; a relay that is full, stopping or without configuration says so here';
    case 'handshake':
      return `the certificate must be for the host in the Secret, by ${authority}: see docs/certificates.md`;
    case 'login':
      if (loginCode === 525) return 'the user is disabled: activate it, or the list that it belongs to';
      return loginCode === 535
        ? 'the relay does not know this password: a new one is known to all relays within a minute, and one of another installation never'
        : 'the reply says why; after too many wrong passwords an address is locked out for a while';
  }
}
