/**
 * Whom the mail of a list may reach. Whatever `otherwise` says, mail does not reach those who are not allowed, so that
 * a list may choose its own even where its class has one; but it cannot reach anybody whom its class does not allow.
 */
import type { ListSpec } from '../../api/list.ts';
import { canonicalSender, coversRecipient, domainCovers, parseMailbox } from '../../../relay/address.ts';
import type { RecipientGuard } from '../../../relay/config/config.ts';
import type { ClassSettings } from '../../settings/settings.ts';
import type { Refusal, Tightened } from './policy.ts';

type Rule = RecipientGuard['allow'][number];
type Wish = NonNullable<ListSpec['recipients']>;
type Floor = NonNullable<ClassSettings['recipients']>;

export function tightenRecipients(
  floor: ClassSettings['recipients'],
  wish: ListSpec['recipients'],
): Tightened<RecipientGuard | undefined> {
  if (wish === undefined) return { value: floor && floorGuard(floor), refused: [] };
  if (floor === undefined) return { value: guardOf(rulesOf(wish), wish), refused: [] };
  const most = floorGuard(floor);
  const wished = wish.allow === undefined ? undefined : rulesOf(wish);
  const allow = wished === undefined ? most.allow : unique(wished.flatMap((rule) => within(most.allow, rule)));
  const target = targetOf(most, floor, wish);
  return {
    value: guardOf(allow, target),
    refused: [
      ...(wished === undefined ? [] : narrowed(most.allow, wished)),
      ...(target.redirectTo === wish.redirectTo || wish.redirectTo === undefined
        ? []
        : [
            {
              field: ['spec', 'recipients', 'redirectTo'],
              words: `is not in use, since the class does not allow ${wish.redirectTo}`,
            },
          ]),
    ],
  };
}

/** What becomes of mail to others. */
type Target = Pick<Wish, 'otherwise' | 'redirectTo'>;

function targetOf({ allow }: RecipientGuard, floor: Floor, wish: Wish): Target {
  if (wish.otherwise === undefined) return floor;
  const mailbox = wish.redirectTo === undefined ? undefined : parseMailbox(wish.redirectTo);
  const isWithin = mailbox !== undefined && allow.some((rule) => coversRecipient(rule, mailbox));
  return wish.otherwise !== 'Redirect' || isWithin ? wish : floor;
}

function floorGuard(floor: Floor): RecipientGuard {
  return guardOf(rulesOf(floor), floor);
}

function guardOf(allow: readonly Rule[], { otherwise = 'Refuse', redirectTo }: Target): RecipientGuard {
  if (otherwise !== 'Redirect') return { otherwise, allow: [...allow] };
  const to = redirectTo === undefined ? undefined : canonicalSender(redirectTo);
  // whoever is to get what others do not is allowed
  if (to !== undefined) return { otherwise, allow: unique([...allow, exactly(to)]), redirectTo: to };
  return { otherwise: 'Refuse', allow: [...allow] };
}

function rulesOf({ allow = [], includeSubdomains }: Pick<Wish, 'allow' | 'includeSubdomains'>): Rule[] {
  const recipients = allow.map(canonicalSender).filter((recipient) => recipient !== undefined);
  return unique(
    recipients.map((recipient) => ({ recipient, includeSubdomains: includeSubdomains && isDomain(recipient) })),
  );
}

/** What is left of a rule within others: each piece is the rule itself, or one of those. */
function within(most: readonly Rule[], rule: Rule): Rule[] {
  return most.map((other) => overlap(rule, other)).filter((piece) => piece !== undefined);
}

function overlap(a: Rule, b: Rule): Rule | undefined {
  if (!isDomain(a.recipient)) return coversAddress(b, a.recipient) ? a : undefined;
  if (!isDomain(b.recipient)) return coversAddress(a, b.recipient) ? b : undefined;
  if (a.recipient === b.recipient) return a.includeSubdomains ? b : a;
  if (coversDomain(a, b)) return b;
  return coversDomain(b, a) ? a : undefined;
}

function coversAddress(rule: Rule, address: string): boolean {
  const mailbox = parseMailbox(address);
  return mailbox !== undefined && coversRecipient(rule, mailbox);
}

function coversDomain({ recipient, includeSubdomains }: Rule, below: Rule): boolean {
  return domainCovers(recipient.slice(1), includeSubdomains, below.recipient.slice(1));
}

/** A list may name hundreds, and a condition is read by people. */
const NAMED_MAX = 3;

function narrowed(most: readonly Rule[], wished: readonly Rule[]): Refusal[] {
  const less = wished.filter((rule) => !within(most, rule).some((piece) => textOf(piece) === textOf(rule)));
  if (less.length === 0) return [];
  const others = less.length - NAMED_MAX;
  const named =
    less
      .slice(0, NAMED_MAX)
      .map(({ recipient }) => recipient)
      .join(', ') + (others > 0 ? ` and ${others} more` : '');
  return [{ field: ['spec', 'recipients', 'allow'], words: `counts only as far as the class allows (see ${named})` }];
}

function isDomain(recipient: string): boolean {
  return recipient.startsWith('@');
}

function exactly(recipient: string): Rule {
  return { recipient, includeSubdomains: false };
}

function unique(rules: readonly Rule[]): Rule[] {
  return [...new Map(rules.map((rule) => [textOf(rule), rule])).values()];
}

function textOf({ recipient, includeSubdomains }: Rule): string {
  return `${includeSubdomains ? '*' : ''}${recipient}`;
}

const OTHERS = { Refuse: 'is refused', Capture: 'is captured, not sent', Redirect: 'goes' } as const;

/** What a guard does, for the status of its list: it may be the class's, which tenants cannot read. Empty without one. */
export function guardNote(guard: RecipientGuard | undefined): string {
  if (guard === undefined) return '';
  const to = guard.otherwise === 'Redirect' ? ` to ${guard.redirectTo}` : '';
  const count = guard.allow.length;
  const entries = count === 1 ? '1 address or domain' : `${count} addresses and domains`;
  return ` Mail reaches allowed recipients only (${entries}); mail to others ${OTHERS[guard.otherwise]}${to}.`;
}
