/**
 * One look at the certificate of a class: what there is, what there should be, and what people should hear about it.
 */
import type { TlsSettings } from '../settings/tls.ts';
import { ownOffer } from './own-offer.ts';
import { pemsIn, clientTroubles, expiryTrouble, readPair, timesOf, type Trouble } from './pair.ts';
import { secretOffer, type SourceSecret } from './secret-offer.ts';
import { bundleOf, NOTHING_YET, turnOver, type TurnOverFacts, type State } from './turn-over.ts';

export interface LookOptions {
  readonly tls: TlsSettings;
  readonly names: readonly string[];
  /** The Secret that the settings name; undefined: they name none. */
  readonly source: SourceSecret | undefined;
  readonly facts: TurnOverFacts;
  readonly roots?: readonly string[] | undefined;
}

export interface CertificateLook {
  readonly state: State;
  readonly troubles: readonly Trouble[];
}

export async function look(before: State, { tls, names, source, facts, roots }: LookOptions): Promise<CertificateLook> {
  const wish = { names, now: facts.now, tls, ...(roots !== undefined && { roots }) };
  if (source !== undefined) {
    const { offer, troubles } = secretOffer(before, source, wish);
    const { authority: _, ...withoutOwn } = before;
    const state = turnOver(withoutOwn, offer, facts, tls);
    return { state, troubles: [...troubles, ...servedTroubles(state, { names, now: facts.now })] };
  }
  const { authority, offer } = await ownOffer(before, wish);
  const state = turnOver({ ...before, authority }, offer, facts, tls);
  return { state, troubles: servedTroubles(state, { names, now: facts.now }) };
}

/** What is wrong with what relays have. */
function servedTroubles({ served }: State, { names, now }: { names: readonly string[]; now: Date }): Trouble[] {
  if (served === undefined) return [];
  const read = readPair(served);
  if ('trouble' in read) return [read.trouble];
  const troubles = clientTroubles(read.chain, { authorities: served.authorities, names, now });
  const all = [...troubles, ...[expiryTrouble(read.chain, now)].filter((one) => one !== undefined)];
  return all.map(({ reason, message }) => ({ reason, message: `The certificate of the relays: ${message}` }));
}

/** What relays mount. */
export function publishedOf(state: State): Readonly<Record<string, string>> | undefined {
  if (state.served === undefined) return undefined;
  const { cert, key } = state.served;
  const bundle = bundleOf(state);
  return { 'tls.crt': cert, 'tls.key': key, ...(bundle !== undefined && { 'ca.crt': bundle }) };
}

/**
 * The state where none was kept, or somebody has deleted it: what relays have stays in use, and in the Secrets of users, until
 * something else has followed it in good order. The operator's own authority is gone with its key, so that there will be another.
 */
export function recoveredState(published: Readonly<Record<string, string>> | undefined): State {
  const pair = { cert: published?.['tls.crt'] ?? '', key: published?.['tls.key'] ?? '' };
  if ('trouble' in readPair(pair)) return NOTHING_YET;
  const authorities = authoritiesIn(published?.['ca.crt'] ?? '');
  const isPublic = authorities.length === 0;
  const trusted = authorities.map((pem) => ({ pem, isPublic }));
  return { served: { ...pair, authorities: [...authorities], isPublic }, trusted };
}

function authoritiesIn(text: string): readonly string[] {
  try {
    return pemsIn(text);
  } catch {
    return [];
  }
}

/** When what relays have expires. */
export function expiryOf({ served }: State): Date | undefined {
  const read = served && readPair(served);
  return read !== undefined && 'chain' in read ? new Date(timesOf(read.chain.leaf).notAfter) : undefined;
}
