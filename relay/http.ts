/** Metrics, health and what is in force, for Prometheus, kubelets and the operator, which read only and learn no secret. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';

export interface HttpPages {
  readonly metrics: () => Promise<{ contentType: string; body: string }>;
  /** Why the relay should be restarted, or undefined while it is healthy. */
  readonly unhealthy: () => string | undefined;
  /** Why no new connection should come here, or undefined while it is ready. */
  readonly unready: () => string | undefined;
  readonly configz: () => unknown;
  readonly upstreamz?: () => unknown;
  readonly usage?: () => unknown;
}

/** Pages for people, of whoever runs this process; undefined: the path is none of them. */
export type PagesForPeople = (request: PageRequest) => Promise<PageAnswer | undefined>;

export interface HttpOptions {
  readonly host?: string | undefined;
  readonly port: number;
  readonly forPeople?: PagesForPeople;
}

export interface PageRequest {
  readonly method: string;
  readonly path: string;
}

export interface PageAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface HttpEndpoint {
  readonly port: number;
  close(): Promise<void>;
}

/** A scraper has no reason to take longer, or to hold more than these at once. */
const REQUEST_TIMEOUT_MS = 10_000;
const HEADERS_TIMEOUT_MS = 2000;
const MAX_CONNECTIONS = 64;
/** Node looks for connections past these times every 30 s unless told otherwise. */
const TIMEOUT_CHECK_MS = 1000;

/** Starts the endpoint, on all addresses where no host is named; port 0 takes a free one. Rejects where the port is taken. */
export async function startHttp(pages: HttpPages, { host, port, forPeople }: HttpOptions): Promise<HttpEndpoint> {
  const server = createServer(
    {
      requestTimeout: REQUEST_TIMEOUT_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
    },
    (request, response) => {
      void answer(pages, forPeople, request, response);
    },
  );
  boundConnections(server);
  server.listen(port, host);
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => closeServer(server) };
}

/**
 * Ends the oldest connection where a new one is over the limit. `server.maxConnections` refuses the new one instead, and
 * so who merely holds connections open would keep the kubelet's probes out, and have the relay restarted.
 */
function boundConnections(server: Server): void {
  // in the order in which they came: a Set keeps the order of insertion
  const connections = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    const [oldest] = connections;
    if (connections.size >= MAX_CONNECTIONS && oldest !== undefined) {
      connections.delete(oldest);
      oldest.destroy();
    }
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
}

async function answer(
  pages: HttpPages,
  forPeople: PagesForPeople | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (forPeople !== undefined && (await answerPerson(forPeople, request, response))) return;
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' }).end();
    return;
  }
  try {
    const { status, contentType, body } = await page(pages, request.url?.split('?')[0] ?? '/');
    const etag = `"${createHash('sha256').update(body).digest('base64url')}"`;
    const headers = { 'content-type': contentType, 'cache-control': 'no-cache', etag };
    // the operator asks often, and little changes
    if (status === 200 && request.headers['if-none-match'] === etag) response.writeHead(304, headers).end();
    else response.writeHead(status, headers).end(body);
  } catch {
    response.writeHead(500).end();
  }
}

/** Whether it was a page for people. */
async function answerPerson(
  forPeople: PagesForPeople,
  { method = '', url = '/' }: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  try {
    const found = await forPeople({ method, path: url.split('?')[0] ?? '/' });
    if (found === undefined) return false;
    const { status, headers, body } = found;
    // what a POST holds is not read, so that nothing can follow it
    response.writeHead(status, { ...headers, ...(method === 'POST' && { connection: 'close' }) });
    response.end(method === 'HEAD' ? undefined : body);
  } catch {
    response.writeHead(500).end();
  }
  return true;
}

async function page(pages: HttpPages, path: string): Promise<{ status: number; contentType: string; body: string }> {
  switch (path) {
    case '/metrics':
      return { status: 200, ...(await pages.metrics()) };
    case '/healthz':
      return verdict(pages.unhealthy());
    case '/readyz':
      return verdict(pages.unready());
    case '/configz':
      return json(pages.configz());
    case '/upstreamz':
      if (pages.upstreamz !== undefined) return json(pages.upstreamz());
      break;
    case '/usage':
      if (pages.usage !== undefined) return json(pages.usage());
  }
  const names = [
    '/metrics',
    '/healthz',
    '/readyz',
    '/configz',
    ...(pages.upstreamz === undefined ? [] : ['/upstreamz']),
    ...(pages.usage === undefined ? [] : ['/usage']),
  ];
  return { status: 404, contentType: 'text/plain', body: `There are ${names.join(', ')}.\n` };
}

function json(value: unknown): { status: number; contentType: string; body: string } {
  return { status: 200, contentType: 'application/json', body: `${JSON.stringify(value)}\n` };
}

function verdict(objection: string | undefined): { status: number; contentType: string; body: string } {
  return { status: objection === undefined ? 200 : 503, contentType: 'text/plain', body: `${objection ?? 'ok'}\n` };
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
