/**
 * HTTP to one API server over kept-alive connections: a pool for requests, and another for watches, which each hold
 * one.
 */
import { Agent, type Dispatcher } from 'undici';
import type { ApiCredentials } from './credentials.ts';
import { BODY_MAX, exchange, type Exchanged } from './exchange.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query. */
  readonly path: string;
  readonly contentType?: string;
  /** Instead of whole objects: `PartialObjectMetadata` or `PartialObjectMetadataList`. */
  readonly as?: string | undefined;
  readonly body?: string;
}

export interface HttpTransport {
  readonly send: (request: HttpRequest, credentials: ApiCredentials, options: SendOptions) => Promise<Exchanged>;
  /** Resolves with the response's head; the body is still to be read, for as long as the server has something to say. */
  readonly open: (
    request: HttpRequest,
    credentials: ApiCredentials,
    options: OpenOptions,
  ) => Promise<Dispatcher.ResponseData>;
  readonly close: () => void;
}

interface SendOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs: number;
}

interface OpenOptions {
  readonly signal: AbortSignal;
  /** Longest silence of the connection before it counts as dead. */
  readonly silenceMs: number;
}

interface Pools {
  readonly key: string;
  readonly requests: Dispatcher;
  readonly watches: Dispatcher;
}

/** Requests at once; more wait in the pool. The API server's own fairness queues hold about as many per flow. */
const CONNECTIONS_MAX = 32;
/** Less than the 90 s after which the API server closes an idle connection. */
const IDLE_MS = 30_000;
/** Less than the lease leaves for one attempt to renew it. */
const CONNECT_MS = 4000;
/** A proxy or load balancer in between forgets a silent connection after a minute or so. */
const TCP_KEEP_ALIVE_MS = 30_000;
const JSON_TYPE = 'application/json';

export function createHttpTransport(): HttpTransport {
  let pools: Pools | undefined;
  function poolsFor(credentials: ApiCredentials): Pools {
    // a rotated CA or client certificate needs new connections; comparing by value keeps the old ones otherwise
    const key = JSON.stringify([credentials.tls, credentials.proxy?.url]);
    if (pools?.key === key) return pools;
    // requests under way on the old ones go on
    close(pools);
    pools = { key, ...openPools(credentials) };
    return pools;
  }
  return {
    send: (request, credentials, options) =>
      exchange(poolsFor(credentials).requests, dispatchOf(request, credentials), options),
    open: (request, credentials, { signal, silenceMs }) =>
      poolsFor(credentials).watches.request({
        ...dispatchOf(request, credentials),
        signal,
        headersTimeout: silenceMs,
        bodyTimeout: silenceMs,
      }),
    close: () => {
      void pools?.requests.destroy();
      void pools?.watches.destroy();
      pools = undefined;
    },
  };
}

function close(pools: Pools | undefined): void {
  for (const pool of [pools?.requests, pools?.watches]) pool?.close().catch(() => undefined);
}

function openPools({ tls, proxy }: ApiCredentials): Omit<Pools, 'key'> {
  if (proxy !== undefined) return { requests: proxy.dispatcher, watches: proxy.dispatcher };
  const options: Agent.Options = {
    // each request has a connection to itself, and leaves when exchange.ts lets it
    allowH2: false,
    pipelining: 1,
    keepAliveTimeout: IDLE_MS,
    connect: { ...tls, timeout: CONNECT_MS, keepAlive: true, keepAliveInitialDelay: TCP_KEEP_ALIVE_MS },
  };
  return { requests: new Agent({ ...options, connections: CONNECTIONS_MAX }), watches: new Agent(options) };
}

function dispatchOf(request: HttpRequest, { server, headers }: ApiCredentials) {
  const { method, path, as, body, contentType = JSON_TYPE } = request;
  return {
    origin: server.origin,
    method,
    path: server.pathname.replace(/\/$/, '') + path,
    headers: {
      accept: as === undefined ? JSON_TYPE : `${JSON_TYPE};as=${as};g=meta.k8s.io;v=v1`,
      'user-agent': 'smtp-plus-operator',
      ...headers,
      ...(body === undefined ? {} : { 'content-type': contentType }),
    },
    body: body ?? null,
  };
}

/** The lines of a response as they come in. */
export async function* readLines(body: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      yield Buffer.concat([...rest, chunk.subarray(start, end)]).toString();
      rest = [];
      size = 0;
      start = end + 1;
    }
    size += chunk.length - start;
    if (size > BODY_MAX) throw new Error(`watch event of more than ${BODY_MAX} bytes`);
    if (start < chunk.length) rest.push(chunk.subarray(start));
  }
}
