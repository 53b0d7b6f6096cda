/**
 * The certificate that the operator makes itself, with an authority of its own: the present one for as long as it will
 * do, then another.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { TlsSettings } from '../settings/tls.ts';
import type { Authority } from './make.ts';
import { isDueForRenewal, readPair, timesOf, uncovered } from './pair.ts';
import type { Offer, State } from './turn-over.ts';

export interface OwnOffer {
  readonly authority: Authority;
  readonly offer: Offer;
}

const DAY_MS = 24 * 60 * 60 * 1000;

interface Wish {
  readonly names: readonly string[];
  readonly now: Date;
  readonly tls: Pick<TlsSettings, 'certificateDays' | 'authorityDays'>;
}

export async function ownOffer(state: State, { names, now, tls }: Wish): Promise<OwnOffer> {
  // what makes certificates takes a tenth of a second to load, and is needed a few times a year
  const { makeAuthority, makeLeaf } = await import('./make.ts');
  const authority = usable(state.authority, now) ?? (await makeAuthority(now, tls.authorityDays));
  const kept = [state.next, state.served].find((offer) => offer !== undefined && isGood(offer, authority, names, now));
  if (kept !== undefined) return { authority, offer: kept };
  const left = (timesOf(new X509Certificate(authority.pem)).notAfter - now.getTime()) / DAY_MS;
  const leaf = await makeLeaf(authority, { hostnames: names, now, days: Math.min(tls.certificateDays, left) });
  const pem = new X509Certificate(authority.pem).toString();
  return {
    authority,
    offer: { cert: `${leaf.pem}${authority.pem}`, key: leaf.key, authorities: [pem], isPublic: false },
  };
}

function usable(authority: Authority | undefined, now: Date): Authority | undefined {
  if (authority === undefined) return undefined;
  try {
    const certificate = new X509Certificate(authority.pem);
    const isWhole = certificate.checkPrivateKey(createPrivateKey(authority.key));
    return isWhole && !isDueForRenewal(certificate, now) ? authority : undefined;
  } catch {
    return undefined;
  }
}

function isGood(offer: Offer, authority: Authority, names: readonly string[], now: Date): boolean {
  const read = readPair(offer);
  if ('trouble' in read) return false;
  const { leaf } = read.chain;
  const isOurs = leaf.verify(new X509Certificate(authority.pem).publicKey);
  return isOurs && !isDueForRenewal(leaf, now) && uncovered(leaf, names).length === 0;
}
