/**
 * The PROXY header (versions 1 and 2 of HAProxy's PROXY protocol): a load balancer begins each connection with it, and
 * says in it whose connection this really is. It is read from trusted addresses only, and from those it must come: a
 * client that could choose whether to send one could choose its address.
 */
import type { Socket } from 'node:net';
import { isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';

/** What a header says of the client; undefined: the connection is the load balancer's own, or of a family without addresses. */
export interface ProxiedClient {
  readonly address: string | undefined;
}

/** What the first octets of a connection come to. `more`: they may still become a header. */
type Reading =
  | { readonly kind: 'more' }
  | { readonly kind: 'header'; readonly length: number; readonly client: ProxiedClient }
  | { readonly kind: 'bad'; readonly problem: string };

/** In place of a client: what is wrong, or that the load balancer went away without a word, as its health checks do. */
export type NoProxiedClient = { readonly problem: string } | 'gone';

/** "The signature of version 2", section 2.2. */
const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const FIXED_BYTES = 16;
/** Section 2.1: no header of version 1 is longer, with its CRLF. */
const V1_BYTES = 107;
/** Addresses take 216 octets at most; the rest is for what a load balancer adds, such as the certificate of a client. */
const V2_BYTES = 4096;
/** The header comes with the first segment; the specification asks for three seconds at least, for one that is lost. */
const PROXY_HEADER_MS = 5000;

const MORE: Reading = { kind: 'more' };
const ITSELF: ProxiedClient = { address: undefined };

export function readHeader(octets: Buffer): Reading {
  const start = octets.subarray(0, SIGNATURE.length);
  if (start.equals(SIGNATURE.subarray(0, start.length))) return start.length < SIGNATURE.length ? MORE : readV2(octets);
  return readV1(octets);
}

function readV1(octets: Buffer): Reading {
  const text = octets.subarray(0, V1_BYTES).toString('latin1');
  if (!text.startsWith('PROXY '.slice(0, text.length))) return bad('it does not begin with one');
  const end = text.indexOf('\r\n');
  if (end === -1) return text.length < V1_BYTES ? MORE : bad(`its first line is longer than ${V1_BYTES} octets`);
  const length = end + 2;
  const [, family, source = '', destination = '', ...ports] = text.slice(0, end).split(' ');
  if (family === 'UNKNOWN') return { kind: 'header', length, client: ITSELF };
  const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isPlainIPv6 : undefined;
  if (isAddress === undefined) return bad('its family is none of TCP4, TCP6 and UNKNOWN');
  if (!isAddress(source) || !isAddress(destination)) return bad(`its addresses are not of ${family}`);
  if (ports.length !== 2 || !ports.every(isPort)) return bad('it does not end in two ports');
  return { kind: 'header', length, client: { address: canonical(source) } };
}

function readV2(octets: Buffer): Reading {
  if (octets.length < FIXED_BYTES) return MORE;
  const [version, command] = halves(octets[12]);
  if (version !== 2) return bad(`its version is ${version}`);
  const length = FIXED_BYTES + octets.readUInt16BE(14);
  if (length > V2_BYTES) return bad(`it is longer than ${V2_BYTES} octets`);
  const [family, transport] = halves(octets[13]);
  if (command > 1 || family > 3 || transport > 2) return bad('its command, family or transport does not exist');
  if (octets.length < length) return MORE;
  // a connection of the load balancer's own (LOCAL), a Unix socket, datagrams: nothing to go by but the connection itself
  if (command === 0 || transport !== 1 || family === 0 || family === 3)
    return { kind: 'header', length, client: ITSELF };
  const size = family === 1 ? 4 : 16;
  if (length < FIXED_BYTES + 2 * size + 4) return bad('it is too short for its addresses');
  const source = ipaddr.fromByteArray([...octets.subarray(FIXED_BYTES, FIXED_BYTES + size)]);
  return { kind: 'header', length, client: { address: canonical(source.toString()) } };
}

function bad(problem: string): Reading {
  return { kind: 'bad', problem };
}

function halves(octet = 0): readonly [high: number, low: number] {
  return [octet >> 4, octet & 0x0f];
}

/** A zone (`%eth0`) means something on the load balancer, and nothing here. */
function isPlainIPv6(text: string): boolean {
  return isIPv6(text) && !text.includes('%');
}

function isPort(text: string): boolean {
  return /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65535;
}

/** One spelling for each address, since they are counted by it; IPv4 inside IPv6 is IPv4. */
function canonical(address: string): string {
  return ipaddr.process(address).toString();
}

/** Takes the header, and nothing else, from a connection that has one, and leaves the rest to whoever reads it next. */
export async function takeProxyHeader(
  socket: Socket,
  { deadlineMs = PROXY_HEADER_MS }: { readonly deadlineMs?: number } = {},
): Promise<ProxiedClient | NoProxiedClient> {
  const deadline = AbortSignal.timeout(deadlineMs);
  let octets = Buffer.alloc(0);
  for (;;) {
    const more = await nextOctets(socket, deadline);
    if (more === 'late') return { problem: `it has sent none within ${deadlineMs / 1000} s` };
    if (more === 'gone') return octets.length === 0 ? 'gone' : { problem: 'it has gone before the end of it' };
    octets = Buffer.concat([octets, more]);
    const reading = readHeader(octets);
    if (reading.kind === 'bad') return { problem: reading.problem };
    if (reading.kind === 'more') continue;
    if (octets.length > reading.length) socket.unshift(octets.subarray(reading.length));
    return reading.client;
  }
}

/** What there is to read by now, or by the time that something comes. */
async function nextOctets(socket: Socket, deadline: AbortSignal): Promise<Buffer | 'gone' | 'late'> {
  const { promise, resolve } = Promise.withResolvers<Buffer | 'gone' | 'late'>();
  const look = (): void => {
    const octets = socket.read() as Buffer | null;
    if (octets !== null) resolve(octets);
  };
  const gone = (): void => resolve('gone');
  const late = (): void => resolve('late');
  socket.on('readable', look).once('end', gone).once('close', gone);
  deadline.addEventListener('abort', late);
  if (socket.destroyed || socket.readableEnded) gone();
  if (deadline.aborted) late();
  const found = await promise;
  socket.off('readable', look).off('end', gone).off('close', gone);
  deadline.removeEventListener('abort', late);
  return found;
}
