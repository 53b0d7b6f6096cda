/** Turns an object as it came into a spec that one can rely on, or a sentence about what is wrong with it. */
import type { ObjectName } from '../api/names.ts';
import { formatPath, type Path } from '../api/path.ts';
import type { SpecProblem } from '../api/read-spec.ts';
import { validate, type SpecOf, type Validated } from '../api/validate.ts';
import { canonicalDomain, canonicalSender } from '../../relay/address.ts';
import type { Kind, ObjectMeta, RawObject } from './model.ts';

export type Parsed<K extends Kind> =
  | { readonly ok: true; readonly meta: ObjectMeta; readonly spec: SpecOf[K] }
  /** `message`: each problem in a sentence that names the field and the mend. */
  | { readonly ok: false; readonly meta: ObjectMeta; readonly message: string };

/** A message for people gets no longer than this: one broken object must not fill a status or a log. */
const NAMED_MAX = 20;

export function parseObject<K extends Kind>(kind: K, { meta, spec, faults }: RawObject): Parsed<K> {
  if (faults?.effect === 'refused') return { ok: false, meta, message: faults.message };
  const result = judgeSpec(kind, meta, spec);
  if (result.ok) return { ok: true, meta, spec: result.spec };
  return { ok: false, meta, message: inWords(result.problems) };
}

function inWords(problems: readonly SpecProblem[]): string {
  const named = problems.slice(0, NAMED_MAX).map(({ message }) => message);
  return [...named, ...(problems.length > NAMED_MAX ? [`And ${problems.length - NAMED_MAX} more.`] : [])].join(' ');
}

interface Judged {
  readonly kind: Kind;
  readonly meta: ObjectName;
  readonly result: Validated<Kind>;
}

/** By identity: a folder's manifests are judged when they are read, and once more when they are planned. */
const judged = new WeakMap<object, Judged>();

/**
 * The spec with its defaults filled in, or everything that is wrong with it. `before` is the spec that was valid so far,
 * where no API server enforces which fields are immutable.
 */
export function judgeSpec<K extends Kind>(kind: K, meta: ObjectName, spec: unknown, before?: unknown): Validated<K> {
  if (before !== undefined || typeof spec !== 'object' || spec === null) return judgeAnew(kind, meta, spec, before);
  const known = judged.get(spec);
  // the result is that of this kind
  if (known?.kind === kind && isSameName(known.meta, meta)) return known.result as Validated<K>;
  const result = judgeAnew(kind, meta, spec, undefined);
  judged.set(spec, { kind, meta, result });
  return result;
}

function isSameName(a: ObjectName, b: ObjectName): boolean {
  return a.name === b.name && a.namespace === b.namespace;
}

function judgeAnew<K extends Kind>(kind: K, meta: ObjectName, spec: unknown, before: unknown): Validated<K> {
  const result = validate(kind, meta, spec, before);
  const sound = result.ok ? { spec: result.spec, asWritten: (path: Path) => path } : result.sound;
  if (sound === undefined) return result;
  const { asWritten } = sound;
  const names = sendersIn(kind, sound.spec).flatMap(({ path, text }) => nameProblems(asWritten(path), text));
  return names.length === 0
    ? result
    : { ok: false, problems: [...(result.ok ? [] : result.problems), ...names], sound };
}

interface SenderText {
  readonly path: Path;
  readonly text: string;
}

/** What names an address or a domain, in the notation of senders. */
function sendersIn(kind: Kind, spec: SpecOf[Kind]): SenderText[] {
  switch (kind) {
    case 'SmtpPlusList': {
      const { allow = [], redirectTo } = (spec as SpecOf['SmtpPlusList']).recipients ?? {};
      const list = allow.map((text, i) => ({ path: ['spec', 'recipients', 'allow', i], text }));
      if (redirectTo === undefined) return list;
      return [...list, { path: ['spec', 'recipients', 'redirectTo'], text: redirectTo }];
    }
    case 'SmtpPlusUser': {
      const { username, senders = [] } = spec as SpecOf['SmtpPlusUser'];
      const list = senders.map((text, i) => ({ path: ['spec', 'senders', i], text }));
      return username?.includes('@') ? [{ path: ['spec', 'username'], text: username }, ...list] : list;
    }
    case 'VerifiedSender': {
      const { address, domain } = spec as SpecOf['VerifiedSender'];
      if (address !== undefined) return [{ path: ['spec', 'address'], text: address }];
      return domain === undefined ? [] : [{ path: ['spec', 'domain'], text: `@${domain}` }];
    }
  }
}

/** IDNA and the lengths of labels, which no pattern can say. A user name must be canonical: log-ins are compared as text. */
function nameProblems(path: Path, text: string): SpecProblem[] {
  const field = formatPath(path);
  const canonical = canonicalSender(text);
  if (canonical === undefined) {
    return [{ path, message: `${field} ${whyNone(text)}; correct it.` }];
  }
  if (field === 'spec.username' && canonical !== text) {
    const message = `${field} must be written as ${canonical}, the one form that log-ins are compared in.`;
    return [{ path, message }];
  }
  return [];
}

function whyNone(text: string): string {
  const isDomain = canonicalDomain(text.slice(text.lastIndexOf('@') + 1)) !== undefined;
  if (isDomain) return 'must have at most 64 octets of ASCII, letters, marks and digits before the @, as IDNA has them';
  return 'must be a valid name of the DNS (IDNA, labels of at most 63 characters)';
}
