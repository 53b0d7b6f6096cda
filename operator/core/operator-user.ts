/**
 * The operator's own user, in the relays of the class through which it sends mails. It can do nothing else: it has one
 * sender, a list of its own with the upstream of the class, and a name that no tenant can have. Its password is derived
 * from the installation id, and written nowhere.
 */
import { listSpec } from '../api/list.ts';
import { canonicalSender } from '../../relay/address.ts';
import { termsOf } from './lists/lists.ts';
import { OPERATOR_USER } from './names.ts';
import type { Platform } from './platform.ts';
import { putEntry, type RelayStore } from './relay-config.ts';

const NAMESPACE = OPERATOR_USER.slice(0, OPERATOR_USER.indexOf('/'));
/** A link that has expired is of no use to anybody. */
const MAX_AGE = '24h';
const LIMITS = { messageBytes: 64 * 1024, recipientsPerMessage: 1, connections: 10 };

export function setOperatorUser(store: RelayStore, { classes, mailVerification, issuer }: Platform): void {
  if (mailVerification === undefined) return;
  const { className, from } = mailVerification;
  const [view, sender] = [classes.get(className), canonicalSender(from)];
  if (view === undefined || sender === undefined) return;
  const spec = listSpec.parse({
    relayClassName: className,
    delivery: { maxAge: MAX_AGE, delayNoticeAfter: MAX_AGE },
    senderPolicy: { envelopeFrom: 'Enforce', headerFrom: 'Enforce', nullSender: 'Refuse' },
    limits: LIMITS,
  });
  const { config, limits } = termsOf({ namespace: NAMESPACE, spec }, view, () => undefined).terms;
  putEntry(store, { className, section: 'lists', key: OPERATOR_USER }, config);
  const user = {
    object: OPERATOR_USER,
    namespace: NAMESPACE,
    list: OPERATOR_USER,
    active: true,
    mode: 'Live' as const,
    credentials: [{ verifier: issuer.operatorVerifier(className) }],
    senders: [{ sender, includeSubdomains: false, verified: true, object: OPERATOR_USER }],
    limits,
    clientCIDRs: [],
  };
  putEntry(store, { className, section: 'users', key: OPERATOR_USER }, user);
}
