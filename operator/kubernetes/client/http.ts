/** HTTP to one API server over kept-alive connections: one agent for requests, one for watches, which each hold one. */
import https, { type AgentOptions } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { Credentials, TlsOptions } from './credentials.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query. */
  readonly path: string;
  readonly contentType?: string;
  /** Instead of whole objects: `PartialObjectMetadata` or `PartialObjectMetadataList`. */
  readonly as?: string | undefined;
  readonly body?: string;
}

export interface Transport {
  /** Resolves with the response's head; the body is still to be read. */
  readonly send: (request: HttpRequest, credentials: Credentials, options: SendOptions) => Promise<IncomingMessage>;
  readonly close: () => void;
}

interface SendOptions {
  readonly signal?: AbortSignal | undefined;
  /** Longest silence of the connection before it counts as dead. */
  readonly silenceMs: number;
  /** By `performance.now()`: nothing is sent later than that, however long a connection took. */
  readonly sendBefore?: number;
  readonly watch?: boolean;
}

/** Requests at once; more wait in the agent. The API server's own fairness queues hold about as many per flow. */
const CONNECTIONS_MAX = 32;
/** The largest answer that we read: a page of 500 objects of 64 KB. */
const BODY_MAX = 64 * 1024 * 1024;
const JSON_TYPE = 'application/json';

export function createTransport(): Transport {
  let agents: { readonly tls: TlsOptions; readonly requests: https.Agent; readonly watches: https.Agent } | undefined;
  function agentsFor(tls: TlsOptions) {
    // a rotated CA or client certificate needs new connections; comparing by value keeps the old ones otherwise
    if (agents !== undefined && isSameTls(agents.tls, tls)) return agents;
    const options: AgentOptions = { ...tls, keepAlive: true };
    agents = {
      tls,
      requests: new https.Agent({ ...options, maxSockets: CONNECTIONS_MAX }),
      watches: new https.Agent({ ...options, keepAlive: false }),
    };
    return agents;
  }
  return {
    send: (request, credentials, options) => {
      const { requests, watches } = agentsFor(credentials.tls);
      return send(request, credentials, { ...options, agent: options.watch === true ? watches : requests });
    },
    close: () => {
      agents?.requests.destroy();
      agents?.watches.destroy();
      agents = undefined;
    },
  };
}

function isSameTls(a: TlsOptions, b: TlsOptions): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

function send(
  request: HttpRequest,
  credentials: Credentials,
  options: SendOptions & { readonly agent: https.Agent },
): Promise<IncomingMessage> {
  const base = credentials.server.pathname.replace(/\/$/, '');
  const body = request.body === undefined ? undefined : Buffer.from(request.body);
  const headers = {
    accept: request.as === undefined ? JSON_TYPE : `${JSON_TYPE};as=${request.as};g=meta.k8s.io;v=v1`,
    'user-agent': 'smtp-plus-operator',
    ...credentials.headers,
    ...(body === undefined
      ? {}
      : { 'content-type': request.contentType ?? 'application/json', 'content-length': body.length }),
  };
  return new Promise((resolve, reject) => {
    const outgoing = https.request(
      {
        host: credentials.server.hostname.replace(/^\[|\]$/g, ''),
        port: credentials.server.port || 443,
        method: request.method,
        path: base + request.path,
        headers,
        agent: options.agent,
        timeout: options.silenceMs,
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      },
      resolve,
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${options.silenceMs} ms`)));
    outgoing.on('error', reject);
    // a process that was stopped while it waited for a connection goes on here, before any timer has fired
    const sendNow = (): void => {
      if (performance.now() < (options.sendBefore ?? Infinity)) outgoing.end(body);
      else outgoing.destroy(new Error('too late to be sent'));
    };
    outgoing.on('socket', (socket) => {
      // a property that the types lack; `reusedSocket` tells less: not of a socket that another request has just freed
      const isNew = 'secureConnecting' in socket && socket.secureConnecting === true;
      if (isNew) socket.once('secureConnect', sendNow);
      else sendNow();
    });
  });
}

export async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    size += (chunk as Buffer).length;
    if (size > BODY_MAX) throw new Error(`answer of more than ${BODY_MAX} bytes`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString();
}

/** The lines of a response as they come in. */
export async function* readLines(response: IncomingMessage): AsyncGenerator<string> {
  let rest: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
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
