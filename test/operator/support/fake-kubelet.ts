/**
 * A node of this cluster, as far as the API server can tell: it runs what `pods/exec` asks for on this machine, and gives
 * out logs that a test has written. Everything before it is real: the API server, its RBAC, the WebSocket through it.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { bodyOf } from '../../../operator/kubernetes/client/answers.ts';
import { pathOf, PODS } from '../../../operator/kubernetes/client/resources.ts';
import { CLI } from '../../support/standalone.ts';
import type { Admin } from './admin.ts';
import { selfSigned } from './certificate.ts';
import { OPERATOR_NAMESPACE } from './operator.ts';

/** RFC 6455 section 1.3. */
const ACCEPT = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const FINAL_BINARY = 0x82;
const CLOSE = Buffer.from([0x88, 0]);

export interface FakeKubelet {
  /** A running relay pod whose state folder is this one, and whose log has these lines. */
  readonly pod: (name: string, pod: { readonly state: string; readonly log?: readonly string[] }) => Promise<void>;
  /** At once: no kubelet says that it has ended. */
  readonly remove: (name: string) => Promise<void>;
  /** What was run in pods, so far. */
  readonly commands: readonly (readonly string[])[];
  readonly close: () => void;
}

export async function startFakeKubelet(admin: Admin, node: string): Promise<FakeKubelet> {
  const pods = new Map<string, { readonly state: string; readonly log?: readonly string[] }>();
  const commands: (readonly string[])[] = [];
  const server = createServer(await selfSigned(), (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'https://kubelet');
    const pod = pods.get(pathname.split('/')[3] ?? '');
    const isBefore = searchParams.get('previous') === 'true';
    response.statusCode = pod === undefined || isBefore ? 400 : 200;
    response.end(
      isBefore ? 'previous terminated container not found' : (pod?.log ?? []).map((line) => `${line}\n`).join(''),
    );
  });
  server.on('upgrade', (request, socket: Socket) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'https://kubelet');
    const state = pods.get(pathname.split('/')[3] ?? '')?.state ?? '';
    const command = searchParams.getAll('command');
    commands.push(command);
    const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}${ACCEPT}`).digest('base64');
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        `Sec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: v4.channel.k8s.io\r\n\r\n`,
    );
    socket.on('error', () => socket.destroy());
    void answer(socket, command, state);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  await makeNode(admin, node, (server.address() as AddressInfo).port);
  return {
    commands,
    pod: async (name, pod) => {
      pods.set(name, pod);
      await makePod(admin, name, node);
    },
    remove: async (name) => {
      const path = `${pathOf(PODS, { namespace: OPERATOR_NAMESPACE, name })}?gracePeriodSeconds=0`;
      bodyOf(await admin.client.request({ method: 'DELETE', path }), name);
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function answer(socket: Socket, command: readonly string[], state: string): Promise<void> {
  for (const [channel, bytes] of await run(command, state)) socket.write(frame(channel, bytes));
  socket.end(CLOSE);
}

/** As in the image, with the paths of this machine. */
async function run([, , ...words]: readonly string[], state: string): Promise<readonly (readonly [number, Buffer])[]> {
  const here = words.map((word) => (word === '/var/spool/smtp-plus' ? state : word));
  const child = spawn(process.execPath, [CLI, ...here], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? 1)));
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  const failure = {
    status: 'Failure',
    message: 'failed',
    details: { causes: [{ reason: 'ExitCode', message: `${code}` }] },
  };
  return [
    [1, Buffer.from(stdout)],
    [2, Buffer.from(stderr)],
    [3, Buffer.from(JSON.stringify(code === 0 ? { status: 'Success' } : failure))],
  ];
}

function frame(channel: number, bytes: Buffer): Buffer {
  const payload = Buffer.concat([Buffer.from([channel]), bytes]);
  const head = Buffer.alloc(10);
  head[0] = FINAL_BINARY;
  head[1] = 127;
  head.writeBigUInt64BE(BigInt(payload.length), 2);
  return Buffer.concat([head, payload]);
}

async function makeNode({ client }: Admin, name: string, port: number): Promise<void> {
  const path = '/api/v1/nodes';
  bodyOf(
    await client.request({ method: 'POST', path, body: { apiVersion: 'v1', kind: 'Node', metadata: { name } } }),
    name,
  );
  const status = {
    addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
    daemonEndpoints: { kubeletEndpoint: { Port: port } },
  };
  const contentType = 'application/merge-patch+json';
  bodyOf(
    await client.request({ method: 'PATCH', path: `${path}/${name}/status`, contentType, body: { status } }),
    name,
  );
}

async function makePod(admin: Admin, name: string, node: string): Promise<void> {
  const body = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { 'smtpplus.io/relay-class': 'default' } },
    spec: { nodeName: node, containers: [{ name: 'relay', image: 'relay' }] },
  };
  bodyOf(
    await admin.client.request({ method: 'POST', path: pathOf(PODS, { namespace: OPERATOR_NAMESPACE }), body }),
    name,
  );
  const status = {
    phase: 'Running',
    containerStatuses: [
      { name: 'relay', ready: true, restartCount: 0, image: 'relay', imageID: '', state: { running: {} } },
    ],
  };
  await admin.patch('Pod', `${OPERATOR_NAMESPACE}/${name}`, { status }, 'status');
}
