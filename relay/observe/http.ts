/**
 * Serves metrics, health and what is in force to Prometheus, kubelets and the operator, who can only read and learn no
 * secret. Pages that name tenants are for those who may read them (page-readers.ts); whether we are well is for
 * everybody, and names nobody.
 */
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { boundConnections } from '../bound-connections.ts';
import { type Readers, pageRefusalOf } from './page-readers.ts';

export interface HttpPages {
  /** Readers of all pages but those about health. */
  readonly readers: () => Readers;
  readonly metrics: () => Promise<{ contentType: string; body: string }>;
  /** Why the relay should be restarted, or undefined while it is healthy. */
  readonly unhealthy: () => string | undefined;
  /** Why no new connection should come here, or undefined while it is ready. */
  readonly unready: () => string | undefined;
  /** What people should look at though it is ready. */
  readonly concern?: () => string | undefined;
  readonly configz: () => unknown;
  readonly upstreamz?: () => unknown;
  readonly queue?: () => unknown;
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
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** Whoever has opened the connection. */
  readonly remoteAddress: string;
}

export interface PageAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
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
  boundConnections(server, MAX_CONNECTIONS);
  server.listen(port, host);
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => closeServer(server) };
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
    const { status, headers, body } = await pageAt(pages, request);
    const etag = `"${createHash('sha256').update(body).digest('base64url')}"`;
    const all = { 'cache-control': 'no-cache', etag, ...headers };
    // the operator asks often, and little changes
    if (status === 200 && request.headers['if-none-match'] === etag) response.writeHead(304, all).end();
    else response.writeHead(status, all).end(body);
  } catch {
    response.writeHead(500).end();
  }
}

/** Whether it was a page for people. */
async function answerPerson(
  forPeople: PagesForPeople,
  { method = '', url = '/', headers, socket }: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  try {
    const [path = '/', query = ''] = url.split('?');
    const { remoteAddress = '' } = socket;
    const found = await forPeople({ method, path, query: new URLSearchParams(query), headers, remoteAddress });
    if (found === undefined) return false;
    const { status, body } = found;
    // what a POST holds is not read, so that nothing can follow it
    response.writeHead(status, { ...found.headers, ...(method === 'POST' && { connection: 'close' }) });
    response.end(method === 'HEAD' ? undefined : body);
  } catch {
    response.writeHead(500).end();
  }
  return true;
}

/** What names nobody: kubelets ask these, and have no token. */
function healthPages(pages: HttpPages): Readonly<Record<string, () => PageAnswer>> {
  return {
    '/healthz': () => verdict(pages.unhealthy()),
    '/readyz': () => verdict(pages.unready(), pages.concern?.()),
  };
}

/** For those who may read them. */
function guardedPages({
  metrics,
  configz,
  upstreamz,
  queue,
  usage,
}: HttpPages): Readonly<Record<string, () => Promise<PageAnswer> | PageAnswer>> {
  return {
    '/metrics': async () => {
      const { contentType, body } = await metrics();
      return { status: 200, headers: { 'content-type': contentType }, body };
    },
    '/configz': () => json(configz()),
    ...(upstreamz !== undefined && { '/upstreamz': () => json(upstreamz()) }),
    ...(queue !== undefined && { '/queue': () => json(queue()) }),
    ...(usage !== undefined && { '/usage': () => json(usage()) }),
  };
}

async function pageAt(pages: HttpPages, { url = '/', headers }: IncomingMessage): Promise<PageAnswer> {
  const path = url.split('?')[0] ?? '/';
  const [open, guarded] = [new Map(Object.entries(healthPages(pages))), new Map(Object.entries(guardedPages(pages)))];
  const health = open.get(path);
  if (health !== undefined) return health();
  const page = guarded.get(path);
  if (page === undefined) return plain(404, `There are ${[...guarded.keys(), ...open.keys()].join(', ')}.\n`);
  const refusal = pageRefusalOf(headers.authorization, pages.readers());
  if (refusal === undefined) return page();
  return { ...refusal, headers: { ...TEXT, ...refusal.headers } };
}

const TEXT = { 'content-type': 'text/plain' };

function plain(status: number, body: string): PageAnswer {
  return { status, headers: TEXT, body };
}

function json(value: unknown): PageAnswer {
  return { status: 200, headers: { 'content-type': 'application/json' }, body: `${JSON.stringify(value)}\n` };
}

function verdict(objection: string | undefined, concern?: string): PageAnswer {
  const ok = concern === undefined ? 'ok' : `ok, but ${concern}`;
  return plain(objection === undefined ? 200 : 503, `${objection ?? ok}\n`);
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
