/** Floors and ceilings: a list can only tighten what its class says, and a user what its list says. */
import type { LimitsSpec } from '../../api/common.ts';
import { formatPath, type Path } from '../../api/path.ts';
import type { ListSpec } from '../../api/list.ts';
import type { Limits, SenderPolicy } from '../../../relay/config/config.ts';
import type { ClassSettings } from '../../settings/settings.ts';

export interface Tightened<Value> {
  readonly value: Value;
  /** Fields in which less was asked for than has to be. */
  readonly refused: readonly Refusal[];
}

export interface Refusal {
  readonly field: Path;
  /** What becomes of it: `stays Required, not Optional`. */
  readonly words: string;
}

/** For people. */
export function refusalsInWords(refused: readonly Refusal[]): string {
  return refused.map(({ field, words }) => `${formatPath(field)} ${words}`).join(', ');
}

/** From loose to strict. A list counts only where it is stricter than its class. */
const STRICTNESS = {
  envelopeFrom: ['Audit', 'Enforce'],
  headerFrom: ['Audit', 'Enforce'],
  displayName: ['Allow', 'Refuse'],
  sender: ['Any', 'Verified'],
  // Verified lets Reply-To be any of the user's senders; SameAsFrom leaves it exactly one
  replyTo: ['Any', 'Verified', 'SameAsFrom'],
  nullSender: ['Allow', 'Refuse'],
  bcc: ['Keep', 'Drop'],
} as const satisfies { readonly [Field in keyof SenderPolicy]: readonly SenderPolicy[Field][] };

export function tightenPolicy(floor: SenderPolicy, wish: ListSpec['senderPolicy'] = {}): Tightened<SenderPolicy> {
  const refused: Refusal[] = [];
  const stricter = <Value extends string>(
    field: keyof SenderPolicy,
    least: Value,
    wished: Value | undefined,
  ): Value => {
    const order: readonly string[] = STRICTNESS[field];
    if (wished === undefined || order.indexOf(wished) === order.indexOf(least)) return least;
    if (order.indexOf(wished) > order.indexOf(least)) return wished;
    refused.push({ field: ['spec', 'senderPolicy', field], words: `stays ${least}, not ${wished}` });
    return least;
  };
  const value = {
    envelopeFrom: stricter('envelopeFrom', floor.envelopeFrom, wish.envelopeFrom),
    headerFrom: stricter('headerFrom', floor.headerFrom, wish.headerFrom),
    displayName: stricter('displayName', floor.displayName, wish.displayName),
    sender: stricter('sender', floor.sender, wish.sender),
    replyTo: stricter('replyTo', floor.replyTo, wish.replyTo),
    nullSender: stricter('nullSender', floor.nullSender, wish.nullSender),
    bcc: stricter('bcc', floor.bcc, wish.bcc),
  };
  return { value, refused };
}

type Starttls = ListSpec['starttls'];

/** Clear-text AUTH needs both to allow it. */
export function tightenStarttls(floor: Starttls, wish: Starttls): Tightened<Starttls> {
  if (wish === 'Required' || floor === 'Optional') return { value: wish, refused: [] };
  return { value: 'Required', refused: [{ field: ['spec', 'starttls'], words: 'stays Required, not Optional' }] };
}

type Mode = ListSpec['delivery']['mode'];

/** Relays without a volume must not answer for what is not yet at the upstream. */
export function tightenMode(spool: ClassSettings['spool'], wish: Mode): Tightened<Mode> {
  if (wish === 'Passthrough' || spool === 'Allow') return { value: wish, refused: [] };
  return {
    value: 'Passthrough',
    refused: [{ field: ['spec', 'delivery', 'mode'], words: 'stays Passthrough, not Spool' }],
  };
}

/** What holds where nobody says otherwise; the others are unlimited. */
const DEFAULT_LIMITS = {
  messageBytes: 10 * 1024 * 1024,
  recipientsPerMessage: 100,
  // ten a second: more is seldom meant, and would fill a queue before anybody looks
  messagesPerHour: 36_000,
  recipientsPerDay: undefined,
  messagesPerMonth: undefined,
  connections: 50,
} as const satisfies { readonly [Field in keyof Required<Limits>]: number | undefined };

const LIMIT_FIELDS = Object.keys(DEFAULT_LIMITS) as (keyof Limits)[];

/** Limits of a list's users: its own or the default, and never above the class's ceiling. */
export function limitsOfList(ceiling: ClassSettings['limits'], wish: LimitsSpec | undefined): Tightened<Limits> {
  const wished = { ...DEFAULT_LIMITS, ...definedOnly(wish) };
  return { value: smallest([wished, ceiling]), refused: looser(ceiling, wish) };
}

/** Limits of one user: its own where they are tighter than the list's. */
export function limitsOfUser(list: Limits, wish: LimitsSpec | undefined): Tightened<Limits> {
  return { value: smallest([list, wish]), refused: looser(list, wish) };
}

function looser(ceiling: LimitsSpec | Limits, wish: LimitsSpec | undefined): Refusal[] {
  return LIMIT_FIELDS.flatMap((field) => {
    const [most, wished] = [ceiling[field], wish?.[field]];
    if (most === undefined || wished === undefined || wished <= most) return [];
    return [{ field: ['spec', 'limits', field], words: `stays ${most}, not ${wished}` }];
  });
}

function smallest(all: readonly (LimitsSpec | Limits | undefined)[]): Limits {
  const least = (field: keyof Limits): number | undefined => {
    const known = all.map((limits) => limits?.[field]).filter((limit) => limit !== undefined);
    return known.length === 0 ? undefined : Math.min(...known);
  };
  const [messagesPerHour, recipientsPerDay] = [least('messagesPerHour'), least('recipientsPerDay')];
  const messagesPerMonth = least('messagesPerMonth');
  return {
    messageBytes: least('messageBytes') ?? DEFAULT_LIMITS.messageBytes,
    recipientsPerMessage: least('recipientsPerMessage') ?? DEFAULT_LIMITS.recipientsPerMessage,
    ...(messagesPerHour !== undefined && { messagesPerHour }),
    ...(recipientsPerDay !== undefined && { recipientsPerDay }),
    ...(messagesPerMonth !== undefined && { messagesPerMonth }),
    connections: least('connections') ?? DEFAULT_LIMITS.connections,
  };
}

function definedOnly(limits: LimitsSpec | undefined): LimitsSpec {
  return Object.fromEntries(Object.entries(limits ?? {}).filter(([, limit]) => limit !== undefined));
}
