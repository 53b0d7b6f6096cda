/** The access token of one upstream: shared by its connections, and replaced before it expires. */
import type { AccessToken } from './token-request.ts';

export interface TokenSource {
  /** Rejects where there is none to be had; whoever waits meanwhile shares the one request. */
  get(): Promise<string>;
  /** The upstream does not take it: another one is asked for, unless that has happened. */
  refused(token: string): void;
}

/** A new one is asked for when so much of the time of the present one is over; a log-in needs a moment of what is left. */
const RENEW_AFTER = 0.8;
const LEFT_MIN_MS = 10_000;

export function createTokenSource(request: () => Promise<AccessToken>, now: () => number): TokenSource {
  let current: { readonly token: string; readonly renewAt: number; readonly endsAt: number } | undefined;
  let pending: Promise<string> | undefined;

  async function renew(): Promise<string> {
    const start = now();
    const { token, seconds } = await request();
    current = { token, renewAt: start + seconds * 1000 * RENEW_AFTER, endsAt: start + seconds * 1000 - LEFT_MIN_MS };
    return token;
  }

  function renewed(): Promise<string> {
    pending ??= renew().finally(() => {
      pending = undefined;
    });
    return pending;
  }

  return {
    get: () => {
      if (current === undefined || now() >= current.endsAt) return renewed();
      // ahead of its end: nobody waits for it, and where it fails the next one asks again
      if (now() >= current.renewAt) renewed().catch(() => {});
      return Promise.resolve(current.token);
    },
    refused: (token) => {
      if (current?.token === token) current = undefined;
    },
  };
}

/** A token may have been taken back before its end: where it is refused the next one is tried at once, and only that. */
export async function withToken<Result>(
  tokens: TokenSource,
  use: (token: string) => Promise<Result>,
  isRefused: (result: Result) => boolean,
): Promise<Result> {
  const token = await tokens.get();
  const first = await use(token);
  if (!isRefused(first)) return first;
  tokens.refused(token);
  const other = await tokens.get();
  const last = await use(other);
  if (isRefused(last)) tokens.refused(other);
  return last;
}
