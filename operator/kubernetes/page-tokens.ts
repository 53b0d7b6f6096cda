/**
 * The tokens for those pages of relays and operator that name tenants: one per relay class, and one for the operator.
 * They are derived from the secret of the installation, so that each replica knows them and they stay the same over
 * restarts.
 */
import { type Readers, tokenHash } from '../../relay/observe/page-readers.ts';
import type { Installation } from '../installation.ts';
import { OPERATOR_PREFIX, type Settings } from '../settings/settings.ts';
import { configSecretPrefix } from './classes.ts';

export interface PageTokens {
  /** For the pages of the relays of a class: sent always, whether they ask for it or not. */
  readonly ofClass: (className: string) => string;
  /** Readers of the operator's own pages. */
  readonly readers: Readers;
  /** What Prometheus reads the tokens from. */
  readonly secrets: readonly TokenSecret[];
}

export interface TokenSecret {
  readonly name: string;
  /** The class that it is for; the operator's own has none. */
  readonly className?: string;
  readonly token: string;
}

const SUFFIX = 'metrics';

export function pageTokensOf(settings: Settings, { pageToken }: Pick<Installation, 'pageToken'>): PageTokens {
  const isNeeded = settings.pageAccess === 'Token';
  const ofClasses = Object.keys(settings.classes).map((className) => ({
    name: `${configSecretPrefix(settings, className)}-${SUFFIX}`,
    className,
    token: pageToken(className),
  }));
  const own = { name: `${OPERATOR_PREFIX}-${SUFFIX}`, token: pageToken() };
  return {
    ofClass: pageToken,
    readers: isNeeded ? [tokenHash(own.token)] : 'everybody',
    secrets: isNeeded ? [own, ...ofClasses] : [],
  };
}
