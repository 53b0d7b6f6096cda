/** A token server and a smart host that check every part of what they are told. */
import { createServer as createHttpsServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TestContext } from 'node:test';
import { text } from 'node:stream/consumers';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import type { SmartHost } from '../../relay/config/config.ts';
import { aSmartHost, ordinaryAnswers, testCertificates } from './upstream.ts';

export const CLIENT = {
  clientId: 'relay-client',
  clientSecret: 'client secret',
  scope: 'https://mail.example/.default',
};
export const USER = 'orders@shop.example';

export interface TokenServer {
  readonly url: string;
  /** Tokens given out, in their order. */
  readonly issued: readonly string[];
  /** Parameters of each request. */
  readonly asked: readonly Readonly<Record<string, string>>[];
}

type Answer = (request: Readonly<Record<string, string>>, response: ServerResponse, token: string) => void;

export function issue(response: ServerResponse, token: string, seconds = 3600): void {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ token_type: 'Bearer', access_token: token, expires_in: seconds }));
}

export async function startTokenServer(
  t: TestContext,
  answer: Answer = (_request, response, token) => issue(response, token),
): Promise<TokenServer> {
  const { cert, key } = await testCertificates();
  const issued: string[] = [];
  const asked: Record<string, string>[] = [];
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const form = Object.fromEntries(new URLSearchParams(await text(request)));
    asked.push(form);
    const isForm = request.headers['content-type'] === 'application/x-www-form-urlencoded';
    if (request.method !== 'POST' || request.url !== '/token' || !isForm) {
      response.writeHead(404).end();
      return;
    }
    const token = `token.${issued.length + 1}`;
    issued.push(token);
    answer(form, response, token);
  };
  const server = createHttpsServer({ cert, key }, (request, response) => void serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `https://localhost:${(server.address() as { port: number }).port}/token`, issued, asked };
}

export interface OAuthHost {
  readonly smartHost: (tokenUrl: string, overrides?: Partial<SmartHost>) => SmartHost;
  /** Each log-in as it was decoded. */
  readonly logins: readonly string[];
  readonly messages: () => number;
  readonly connections: () => number;
}

/** Implicit TLS; takes a log-in of `USER` by a token that `knows` says yes to, and mail after that only. */
export async function startOAuthHost(
  t: TestContext,
  {
    mechanism = 'XOAUTH2',
    knows,
    forgets = () => false,
  }: { mechanism?: 'XOAUTH2' | 'OAUTHBEARER'; knows: (token: string) => boolean; forgets?: () => boolean },
): Promise<OAuthHost> {
  const { cert, key, ca } = await testCertificates();
  const logins: string[] = [];
  const known = new WeakSet<TLSSocket>();
  const refused = new WeakSet<TLSSocket>();
  const asked = new WeakSet<TLSSocket>();
  const sockets = new Set<TLSSocket>();
  let messages = 0;
  let connections = 0;
  const port = { number: 0 };

  function logIn(socket: TLSSocket, encoded: string): string {
    const said = Buffer.from(encoded, 'base64').toString();
    logins.push(said);
    const start =
      mechanism === 'XOAUTH2'
        ? `user=${USER}\x01auth=Bearer `
        : `n,a=${USER},\x01host=localhost\x01port=${port.number}\x01auth=Bearer `;
    const isWellFormed = said.startsWith(start) && said.endsWith('\x01\x01');
    if (isWellFormed && knows(said.slice(start.length, -2))) {
      known.add(socket);
      return '235 2.7.0 ok';
    }
    refused.add(socket);
    return `334 ${Buffer.from('{"status":"401","schemes":"bearer"}').toString('base64')}`;
  }

  const answers = ordinaryAnswers((line, socket) => {
    const one = socket as TLSSocket;
    if (refused.delete(one)) {
      const isRight = line === (mechanism === 'XOAUTH2' ? '' : 'AQ==');
      return isRight ? '535 5.7.3 Authentication unsuccessful' : '500 5.5.1 protocol error';
    }
    if (line.startsWith('EHLO')) return `250-host\r\n250 AUTH ${mechanism}`;
    if (asked.delete(one)) return logIn(one, line);
    if (line.length > 510) return '500 5.5.2 line too long';
    if (line === `AUTH ${mechanism}`) {
      asked.add(one);
      return '334 ';
    }
    if (line.startsWith('AUTH ')) return logIn(one, line.slice(`AUTH ${mechanism} `.length));
    if (line.startsWith('MAIL') && (!known.has(one) || forgets())) return '530 5.7.57 not authenticated';
    if (line === '.') messages++;
    return undefined;
  });
  const server = createTlsServer({ cert, key }, (socket) => {
    connections++;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    socket.write('220 host\r\n');
    let rest = '';
    socket.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) answers(line, socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port.number = (server.address() as { port: number }).port;
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    smartHost: (tokenUrl, overrides) => {
      const oauth2 = { ...CLIENT, tokenUrl, user: USER };
      return aSmartHost(port.number, { host: 'localhost', tls: 'Implicit', ca, oauth2, ...overrides });
    },
    logins,
    messages: () => messages,
    connections: () => connections,
  };
}
