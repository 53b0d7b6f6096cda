/**
 * Who may read the pages that name lists, users and smart hosts of all tenants: on a cluster, whoever has the token of
 * the relay class. The relay's configuration has only the token's SHA-256; the relay does not know the token until
 * somebody presents it.
 */
import { createHash, timingSafeEqual } from 'node:crypto';

export type Readers =
  | 'everybody'
  /** Nobody has said yet who may. */
  | 'nobody'
  /** SHA-256 (hex) of what opens the pages. */
  | readonly string[];

/** Why a request for such a page is refused. */
export interface PageRefusal {
  readonly status: 401 | 503;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const WHERE_IT_IS = 'the key `token` of the Secret for metrics, in the namespace of the installation';
const MISSING = `This page names lists and hosts of all tenants, and needs the header "Authorization: Bearer TOKEN"; TOKEN is ${WHERE_IT_IS}.\n`;
const WRONG = `This is not the token for this page: it is ${WHERE_IT_IS}, and each relay class has its own, as has the operator.\n`;
const UNKNOWN = 'This page is closed until the configuration of the relay has said who may read it.\n';

const BEARER = /^Bearer +(\S+) *$/i;

export function pageRefusalOf(authorization: string | undefined, readers: Readers): PageRefusal | undefined {
  if (readers === 'everybody') return undefined;
  if (readers === 'nobody') return { status: 503, headers: {}, body: UNKNOWN };
  const token = BEARER.exec(authorization ?? '')?.[1];
  if (token === undefined) return { status: 401, headers: { 'www-authenticate': CHALLENGE }, body: MISSING };
  const digest = Buffer.from(tokenHash(token), 'hex');
  if (readers.some((hash) => timingSafeEqual(digest, Buffer.from(hash, 'hex')))) return undefined;
  return { status: 401, headers: { 'www-authenticate': `${CHALLENGE}, error="invalid_token"` }, body: WRONG };
}

const CHALLENGE = 'Bearer realm="smtp-plus"';

export function tokenHash(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** What the configuration of a worker says. */
export interface ReadersSaid {
  /** Undefined: it has none yet. */
  readonly className: string | undefined;
  readonly tokenHash: string | undefined;
}

/** As all workers say it that have a configuration; while there is none of them, as it was said last. */
export function createReaders(said: () => readonly ReadersSaid[]): () => Readers {
  let last: Readers = 'nobody';
  return () => {
    const configured = said().filter(({ className }) => className !== undefined);
    if (configured.length === 0) return last;
    const hashes = configured.flatMap((one) => one.tokenHash ?? []);
    // where one of them knows of a token and another does not yet, it is needed already
    last = hashes.length === 0 ? 'everybody' : hashes;
    return last;
  };
}
