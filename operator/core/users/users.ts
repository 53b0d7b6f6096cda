/** SmtpPlusUsers: an ordered list of checks, then what comes of it for the relay, the Secret and the status. */
import type { UserSpec } from '../../api/user.ts';
import type { UserConfig } from '../../../relay/config.ts';
import type { Judgement } from '../conditions.ts';
import { judgeCredentials } from '../credentials/credentials.ts';
import type { CredentialsVerdict } from '../credentials/credentials-verdict.ts';
import { classes, wishedSecretName } from '../facts.ts';
import type { ListTerms } from '../lists/lists.ts';
import { keyOf, type ObjectMeta } from '../model.ts';
import { BUILT_IN_LIST } from '../names.ts';
import { parsedUsers } from '../parse.ts';
import { limitsOfUser } from '../lists/policy.ts';
import { unusableEntryOf, type UnusableEntry } from './unusable.ts';
import { membershipOf } from './user-list.ts';
import { judgeUsername } from './usernames.ts';
import { judgeUserSenders, type UserSenders } from './user-senders.ts';
import { read, type Table, type World } from '../world.ts';

export interface UserVerdict {
  readonly meta: ObjectMeta;
  /** The condition `Accepted`. */
  readonly accepted: Judgement;
  /** What it comes to; absent where it is not accepted: then no relay serves it. */
  readonly admitted?: AdmittedUser;
  /** What the relays are to know of it where it is not accepted; absent: nothing. */
  readonly unusable?: UnusableEntry;
}

export interface AdmittedUser {
  readonly spec: UserSpec;
  readonly username: string;
  readonly list: string;
  readonly terms: ListTerms;
  readonly secretName: string;
  readonly credentials: CredentialsVerdict;
  readonly senders: UserSenders;
  /** The condition `Active`. */
  readonly active: Judgement;
  readonly config: UserConfig;
}

export const userVerdicts: Table<UserVerdict | undefined> = { name: 'user verdict', formula: judgeUser };

function judgeUser(world: World, key: string): UserVerdict | undefined {
  const parsed = read(world, parsedUsers, key);
  if (parsed === undefined) return undefined;
  const { meta } = parsed;
  if (!parsed.ok) return refusal(world, { meta }, { reason: 'InvalidSpec', message: parsed.message });
  const { spec } = parsed;
  const membership = membershipOf(world, parsed);
  if (!membership.ok) return refusal(world, { meta, spec, list: membership.list }, membership);
  const name = judgeUsername(world, parsed);
  if (!name.ok) return refusal(world, { meta, spec, list: membership.list }, name);

  const { list, terms } = membership;
  const secretName = wishedSecretName(parsed);
  const credentials = judgeCredentials(world, { meta, spec, secretName, hasServer: hasServer(world, terms) });
  const senders = judgeUserSenders(world, meta.namespace, spec.senders);
  const active = judgeActive(spec, { list, terms, credentials, senders });
  const limits = limitsOfUser(terms.limits, spec.limits);
  const config: UserConfig = {
    object: keyOf(meta),
    namespace: meta.namespace,
    list,
    // the wish: the relay has an own reply for a user without a verified sender, and one for a suspended list
    active: spec.active,
    mode: spec.mode,
    credentials: [...credentials.credentials],
    ...(senders.narrowed !== undefined && { senders: [...senders.narrowed] }),
    limits: limits.value,
    clientCIDRs: spec.clientCIDRs ?? [],
  };
  const { username } = name;
  const admitted = { spec, username, list, terms, secretName, credentials, senders, active, config };
  return { meta, accepted: acceptance(list, limits.refused), admitted };
}

function hasServer(world: World, { className }: ListTerms): boolean {
  const view = read(world, classes, className);
  return view !== undefined && [...view.ports, ...view.implicitTlsPorts].length > 0;
}

function acceptance(list: string, refused: readonly string[]): Judgement {
  const [type, status] = ['Accepted', 'True'] as const;
  const name = list === BUILT_IN_LIST ? 'the built-in default list' : `SmtpPlusList ${list}`;
  if (refused.length === 0) return { type, status, reason: 'Accepted', message: `Belongs to ${name}.` };
  const message = `Belongs to ${name}, whose limits a user may tighten but not loosen: spec.${refused.join(', spec.')}.`;
  return { type, status, reason: 'ListCeiling', message };
}

function refusal(
  world: World,
  user: Parameters<typeof unusableEntryOf>[1],
  { reason, message }: { reason: string; message: string },
): UserVerdict {
  const unusable = unusableEntryOf(world, user);
  const accepted: Judgement = { type: 'Accepted', status: 'False', reason, message };
  return { meta: user.meta, accepted, ...(unusable !== undefined && { unusable }) };
}

/** Whether it can send: the first objection counts, a wish of its own before what others do. */
function judgeActive(
  spec: UserSpec,
  { list, terms, credentials, senders }: Pick<AdmittedUser, 'list' | 'terms' | 'credentials' | 'senders'>,
): Judgement {
  if (!spec.active) return inactive('Inactive', 'Not active, as spec.active says; set it to true to send.');
  if (terms.config.suspended) return inactive('ListSuspended', `SmtpPlusList ${list} is suspended by its owner.`);
  if (senders.judgement.reason === 'NoVerifiedSender') return inactive('NoVerifiedSender', senders.judgement.message);
  if (credentials.judgement.status !== 'True' && credentials.credentials.length === 0) {
    return inactive('CredentialsNotReady', 'It has no credentials to log in with; see the condition CredentialsReady.');
  }
  if (spec.mode === 'Sandbox') {
    const message = 'Every check runs and the answer is 250, but nothing is sent, as spec.mode says.';
    return { type: 'Active', status: 'True', reason: 'Sandbox', message };
  }
  return { type: 'Active', status: 'True', reason: 'Active', message: 'It can send.' };
}

function inactive(reason: string, message: string): Judgement {
  return { type: 'Active', status: 'False', reason, message };
}
