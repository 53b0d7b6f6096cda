/** Whether the record of a signing key is in the DNS in the form that receivers need (RFC 6376 section 3.6.1). */
import { askTxt, type DnsServer, type TxtAnswer } from './ask-txt.ts';
import type { Observation, RecordQuestion } from './look-up.ts';

export async function lookAtKey(question: RecordQuestion, server: DnsServer): Promise<Observation> {
  return judgeKeyRecord(await askTxt(question.recordName, server), question);
}

export function judgeKeyRecord(answer: TxtAnswer, { recordValue }: RecordQuestion): Observation {
  if (answer.kind !== 'values') return { outcome: answer.kind, detail: answer.why };
  const [value, ...others] = answer.values;
  if (value === undefined) {
    return { outcome: 'absent', detail: 'the name is an alias (CNAME), and what it points to has no TXT record' };
  }
  if (others.length > 0) {
    const detail = `there are ${answer.values.length} TXT records, of which receivers may take any; leave this one alone`;
    return { outcome: 'mismatch', detail };
  }
  const problem = problemOf(tagsOf(value), tagsOf(recordValue));
  return problem === undefined ? { outcome: 'found', detail: 'it is there' } : { outcome: 'mismatch', detail: problem };
}

type Tags = ReadonlyMap<string, string>;

/** White space in values means nothing, and may come in where a long one was split (RFC 6376 section 3.2). */
function tagsOf(value: string): Tags {
  const tags = value.split(';').map((tag) => {
    const [name = '', ...rest] = tag.split('=');
    return [name.trim(), rest.join('=').replaceAll(/\s/g, '')] as const;
  });
  return new Map(tags.filter(([name]) => name !== ''));
}

function problemOf(seen: Tags, wanted: Tags): string | undefined {
  if ((seen.get('v') ?? 'DKIM1') !== 'DKIM1') return 'it is no DKIM record (v=DKIM1)';
  const key = seen.get('p');
  if (key === '') return 'it says that the key is revoked (p= is empty)';
  if (key === undefined) return 'it has no key (p=)';
  if (key !== wanted.get('p'))
    return 'it has another key, or not all of it; a long value is cut by some forms, or put in quotes';
  if ((seen.get('k') ?? 'rsa') !== wanted.get('k')) return `it must say k=${wanted.get('k') ?? ''}`;
  if (!allows(seen.get('h'), ['sha256'])) return 'it does not allow sha256 (h=)';
  return allows(seen.get('s'), ['*', 'email']) ? undefined : 'it is not for mail (s=)';
}

/** A list with a colon between its parts; absent: anything. */
function allows(list: string | undefined, any: readonly string[]): boolean {
  return list === undefined || list.split(':').some((part) => any.includes(part));
}
