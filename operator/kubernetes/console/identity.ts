/**
 * Who asks for a page of the console: whoever a trusted proxy says, or whose token the API server knows. Header fields
 * about people count only from the addresses of those proxies, as anybody else can write them too.
 */
import type { IncomingHttpHeaders } from 'node:http';
import ipaddr from 'ipaddr.js';
import type { PageRequest } from '../../../relay/observe/http.ts';
import { createRequestLimit, type RequestLimit } from '../../page/request-limit.ts';
import type { ConsoleSettings } from '../../settings/console.ts';
import { bodyOf } from '../client/answers.ts';
import type { KubeClient } from '../client/client.ts';
import { createMemo } from './memo.ts';

/** As the API server knows it. */
export interface Identity {
  readonly username: string;
  readonly uid?: string | undefined;
  readonly groups?: readonly string[] | undefined;
  readonly extra?: Readonly<Record<string, readonly string[]>> | undefined;
}

interface TokenReview {
  readonly status?: { readonly authenticated?: boolean; readonly user?: Identity };
}

const TOKEN_REVIEWS = '/apis/authentication.k8s.io/v1/tokenreviews';
/** How long a token that was revoked may still open the page. */
const REMEMBERED_MS = 10_000;
const BEARER = /^Bearer ([A-Za-z0-9._~+/-]+=*)$/i;
const GROUPS_MAX = 200;
const NAME_MAX = 512;
const EVERYBODY = 'system:authenticated';

/** `Busy`: too many tokens come that nobody has seen before; each costs the API server a review. */
export type Identify = (request: PageRequest) => Promise<Identity | 'Unknown' | 'Busy'>;

/** For one address: whoever makes up tokens must not use up what others need. */
const OF_ADDRESS = { perSecond: 10, most: 50 };
/** For all addresses together: less than the client of the console may send. */
const OF_ALL = { perSecond: 40, most: 250 };
/** After that an address has its whole allowance again anyway. */
const ADDRESS_REMEMBERED_MS = 60_000;

export function createIdentify(client: KubeClient, settings: () => ConsoleSettings, now?: () => number): Identify {
  const known = createMemo<Identity | 'Unknown'>({ forMs: REMEMBERED_MS });
  const ofAddress = createMemo<RequestLimit>({ forMs: ADDRESS_REMEMBERED_MS });
  const ofAll = createRequestLimit({ ...OF_ALL, now });
  // what an address may not have is not taken from all
  const mayReview = async (address: string): Promise<boolean> =>
    (await ofAddress.get(address, async () => createRequestLimit({ ...OF_ADDRESS, now }))).take() && ofAll.take();
  return async ({ headers, remoteAddress }) => {
    const { trustedProxies } = settings();
    const named = isTrusted(remoteAddress, trustedProxies) ? namedIn(headers, settings()) : undefined;
    if (named !== undefined) return named;
    const token = BEARER.exec(headers.authorization ?? '')?.[1];
    if (token === undefined) return 'Unknown';
    if (!known.has(token) && !(await mayReview(originOf({ headers, remoteAddress }, trustedProxies)))) return 'Busy';
    return known.get(token, () => review(client, token));
  };
}

async function review(client: KubeClient, token: string): Promise<Identity | 'Unknown'> {
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } };
  const answer = await client.request<TokenReview>({ method: 'POST', path: TOKEN_REVIEWS, body });
  const { status } = bodyOf(answer, 'a token cannot be reviewed');
  return (status?.authenticated === true && status.user) || 'Unknown';
}

/** The last hop that is no trusted proxy: what stands before it in the field may be made up. Of IPv6 the network, which is one customer's. */
function originOf(
  { headers, remoteAddress }: Pick<PageRequest, 'headers' | 'remoteAddress'>,
  trusted: readonly string[],
) {
  const hops = textOf(headers['x-forwarded-for']).split(',');
  let origin = remoteAddress;
  while (hops.length > 0 && isTrusted(origin, trusted)) {
    const hop = hops.pop()?.trim() ?? '';
    if (!ipaddr.isValid(hop)) break;
    origin = hop;
  }
  if (!ipaddr.isValid(origin)) return origin;
  const address = ipaddr.process(origin);
  return address instanceof ipaddr.IPv6 ? address.parts.slice(0, 4).join(':') : address.toString();
}

function isTrusted(address: string, ranges: readonly string[]): boolean {
  if (!ipaddr.isValid(address)) return false;
  const from = ipaddr.process(address);
  return ranges.some((range) => {
    const [network, bits] = ipaddr.parseCIDR(range);
    return network.kind() === from.kind() && from.match(network, bits);
  });
}

/**
 * Names that the API server keeps for itself are nobody's at a proxy: whoever may name a group at an identity provider must not
 * become `system:masters` by it.
 */
function namedIn(headers: IncomingHttpHeaders, { userHeader, groupsHeader }: ConsoleSettings): Identity | undefined {
  const username = textOf(headers[userHeader.toLowerCase()]).trim();
  if (username === '' || username.length > NAME_MAX || username.startsWith('system:')) return undefined;
  const groups = textOf(headers[groupsHeader.toLowerCase()])
    .split(',')
    .map((group) => group.trim())
    .filter((group) => group !== '' && group.length <= NAME_MAX && !group.startsWith('system:'));
  return { username, groups: [...groups.slice(0, GROUPS_MAX), EVERYBODY] };
}

function textOf(field: string | string[] | undefined): string {
  return Array.isArray(field) ? field.join(',') : (field ?? '');
}
