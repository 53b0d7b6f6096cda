/** Lookup tables of Postfix: `sasl_passwd` (its smart hosts) and `sender_login_maps` (who may send as what). */
import { relayHostOf, tlsFor, type Imported, type ImportedUpstream } from './imported.ts';

export interface PostfixTables {
  readonly saslPasswd?: string | undefined;
  readonly senderLoginMaps?: string | undefined;
}

export function importPostfix({ saslPasswd = '', senderLoginMaps = '' }: PostfixTables): Imported {
  const warnings: string[] = [];
  const upstreams = linesOf(saslPasswd).flatMap((line) => upstreamOf(line, warnings));
  const byLogin = new Map<string, string[]>();
  for (const { key, value, line } of linesOf(senderLoginMaps)) {
    const sender = senderOf(key);
    if (sender === undefined) {
      warnings.push(`sender_login_maps, line ${line}: ${key} is neither an address nor @DOMAIN, so it is left out`);
      continue;
    }
    for (const login of value.split(/[\s,]+/).filter((word) => word !== '')) {
      byLogin.set(login, [...(byLogin.get(login) ?? []), sender]);
    }
  }
  if (byLogin.size > 0)
    warnings.push('passwords of users are not in these tables: each user gets a new one, in its Secret');
  return {
    upstreams,
    users: [...byLogin].map(([login, senders]) => ({ login, senders: [...new Set(senders)] })),
    senders: [],
    warnings,
  };
}

interface TableLine {
  readonly key: string;
  readonly value: string;
  /** From 1. */
  readonly line: number;
}

/** postmap(1): comments, and lines that begin with white space go on the one before. */
function linesOf(text: string): readonly TableLine[] {
  const logical: { text: string; line: number }[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const last = logical.at(-1);
    if (/^\s/.test(line) && last !== undefined) last.text += ` ${line.trim()}`;
    else logical.push({ text: line.trim(), line: index + 1 });
  }
  return logical.map(({ text, line }) => {
    const [key = '', ...rest] = text.split(/\s+/);
    return { key, value: rest.join(' '), line };
  });
}

function upstreamOf({ key, value, line }: TableLine, warnings: string[]): readonly ImportedUpstream[] {
  const where = `sasl_passwd, line ${line}`;
  if (key.includes('@')) {
    warnings.push(
      `${where}: a password for one sender (smtp_sender_dependent_authentication) is left out: give its users a list with an upstream of its own`,
    );
    return [];
  }
  const host = relayHostOf(key);
  if (host === undefined) {
    warnings.push(`${where}: it does not begin with a host, so it is left out`);
    return [];
  }
  const colon = value.indexOf(':');
  const username = colon === -1 ? value : value.slice(0, colon);
  if (username === '') warnings.push(`${where}: ${host.host} has no user name`);
  const password = colon === -1 ? undefined : value.slice(colon + 1);
  return [{ host: host.host, port: host.port, tls: tlsFor(host.port), ...(username !== '' && { username, password }) }];
}

function senderOf(key: string): string | undefined {
  const lower = key.toLowerCase();
  return /^[^@\s]*@[^@\s]+\.[^@\s]+$/.test(lower) ? lower : undefined;
}
