/** The certificate in a Secret that somebody else writes: cert-manager, or people. */
import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { pemsIn, clientTroubles, isIssuedBy, readPair, type Chain, type Trouble } from './pair.ts';
import type { Offer, State } from './turn-over.ts';

export interface SecretOffer {
  /** Undefined: relays keep what they have. */
  readonly offer?: Offer;
  readonly troubles: readonly Trouble[];
}

export interface SourceSecret {
  /** Undefined: there is none. */
  readonly data: Readonly<Record<string, string>> | undefined;
  readonly name: string;
}

interface Wish {
  readonly names: readonly string[];
  readonly now: Date;
  /** PEM of the authorities that every system knows. */
  readonly roots?: readonly string[];
}

/** All that a system trusts would fill the Secrets. */
const AUTHORITIES_MAX = 16;
const UNREADABLE = { problem: 'ca.crt is no PEM that can be read' };

/**
 * What clients would refuse is taken only where what relays have is no better: a slip in the Secret must not stop mail as long as
 * the certificate before it is good.
 */
export function secretOffer({ served }: State, { data, name }: SourceSecret, wish: Wish): SecretOffer {
  if (data === undefined) return { troubles: [{ reason: 'SecretNotFound', message: `there is no Secret ${name}` }] };
  const pair = { cert: data['tls.crt'] ?? '', key: data['tls.key'] ?? '' };
  const read = readPair(pair);
  if ('trouble' in read) return { troubles: [inSecret(name, read.trouble)] };
  const known = authoritiesOf(read.chain, data['ca.crt'], wish.roots ?? rootCertificates);
  if ('problem' in known) {
    return { troubles: [inSecret(name, { reason: 'CertificateUnreadable', message: known.problem })] };
  }
  const { authorities, isPublic } = known;
  const troubles = clientTroubles(read.chain, { ...wish, authorities }).map((trouble) => inSecret(name, trouble));
  if (authorities.length === 0 && (served?.authorities.length ?? 0) > 0) {
    const message = 'it has no ca.crt, and no public authority that is known here has signed tls.crt; add ca.crt';
    troubles.push(inSecret(name, { reason: 'AuthorityUnknown', message }));
  }
  const offer = { ...pair, authorities: [...authorities], isPublic };
  if (troubles.length > 0 && served !== undefined && isGood(served, wish)) return { troubles };
  return { offer, troubles };
}

function isGood(served: Offer, wish: Wish): boolean {
  const read = readPair(served);
  return 'chain' in read && clientTroubles(read.chain, { ...wish, authorities: served.authorities }).length === 0;
}

function inSecret(name: string, { reason, message }: Trouble): Trouble {
  return { reason, message: `Secret ${name}: ${message}` };
}

/** Without `ca.crt` it is one of those that every system knows; where it is not among Node's, clients must know better. */
function authoritiesOf(
  chain: Chain,
  ca: string | undefined,
  roots: readonly string[],
): Pick<Offer, 'authorities' | 'isPublic'> | { readonly problem: string } {
  if (ca === undefined || ca.trim() === '') {
    const root = rootOf(chain, roots);
    return { authorities: root === undefined ? [] : [root], isPublic: true };
  }
  try {
    const authorities = [...new Set(pemsIn(ca))];
    if (authorities.length > AUTHORITIES_MAX) {
      const problem = `ca.crt has ${authorities.length} certificates, which go into the Secret of each user; leave in it those of the authority of tls.crt, ${AUTHORITIES_MAX} at most`;
      return { problem };
    }
    return authorities.length === 0 ? UNREADABLE : { authorities, isPublic: false };
  } catch {
    return UNREADABLE;
  }
}

/** While a public authority follows a private one, or the other way round, both must stand in `ca.crt`. */
function rootOf({ leaf, others }: Chain, roots: readonly string[]): string | undefined {
  const last = others.at(-1) ?? leaf;
  for (const pem of roots) {
    const root = new X509Certificate(pem);
    if (root.raw.equals(last.raw) || isIssuedBy(last, root)) return root.toString();
  }
  return undefined;
}
