/** Who we are towards the API server, and how to get there. */
import type { Dispatcher } from 'undici';

export interface TlsOptions {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

export interface ApiCredentials {
  readonly server: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsOptions;
  /** Through which all connections go. */
  readonly proxy?: { readonly url: string; readonly dispatcher: Dispatcher };
}

/** Reads the credentials as they are now. `isRefused`: the API server did not take the last ones. */
export type CredentialsSource = (isRefused: boolean) => Promise<ApiCredentials>;

/** A bound token lives for an hour and is replaced on disk at 80 % of that; client-go re-reads as often. */
const REREAD_MS = 60_000;

/** Keeps what a source gave for a minute; `isRefused` asks it again at once (after 401). */
export function cachedCredentials(source: CredentialsSource): CredentialsSource {
  let last: { readonly at: number; readonly credentials: Promise<ApiCredentials> } | undefined;
  return (isRefused) => {
    if (last === undefined || isRefused || performance.now() - last.at > REREAD_MS) {
      const credentials = source(isRefused);
      last = { at: performance.now(), credentials };
      credentials.catch(() => {
        last = undefined;
      });
    }
    return last.credentials;
  };
}
