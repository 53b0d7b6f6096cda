/**
 * Whether the SPF record of a domain allows what the record of the upstream allows. That is tried out with addresses of
 * the upstream, so that it does not matter how the record comes to allow them: by `include`, by `redirect`, or by
 * addresses.
 */
import { answerOf, codeOf, type DnsServer } from './ask-txt.ts';
import type { Observation, RecordQuestion } from './look-up.ts';
import { show } from './show.ts';
import { evaluateSpf, type Instead, type SpfResult } from './spf-evaluation.ts';
import { createQuestions, type Questions } from './spf-questions.ts';

/** For documentation (RFC 5737, RFC 3849): nobody's servers have them, so that an evaluation sees all terms of a record. */
const NOBODYS = ['192.0.2.1', '2001:db8::1'] as const;
/** Addresses of the upstream that are tried out: the first and the last of a record, and some in between. */
const TRIED_MAX = 8;
const PROBE = 'smtpplus-probe.invalid';
/** Longer records are not kept. */
const KEPT_MAX = 450;

/** @param question the domain, and the domain of the upstream's record */
export async function lookAtSpf({ recordName, recordValue }: RecordQuestion, server: DnsServer): Promise<Observation> {
  const questions = createQuestions(server);
  const record = await recordOf(recordName, questions);
  if (typeof record !== 'string') return record;
  const seen = record.length > KEPT_MAX || /[^\x20-\x7e]/.test(record) ? {} : { seen: record };
  const upstream = await addressesOf(recordValue, server);
  if ('trouble' in upstream) {
    const detail = `the SPF record of the upstream, ${recordValue}, cannot be used: ${upstream.trouble}`;
    return { outcome: 'failed', detail };
  }
  for (const ip of upstream.addresses) {
    const result = await evaluateSpf({ domain: recordName, ip }, questions.ask, upstream.instead);
    const objection = objectionTo(result, upstream.instead === undefined ? ip : undefined, recordValue);
    if (objection !== undefined)
      return objection.isBroken ? objection.observation : { ...objection.observation, ...seen };
  }
  return { outcome: 'found', detail: 'it is there', ...seen };
}

/** The one SPF record of the domain, or what is wrong with it. */
async function recordOf(domain: string, { ask }: Questions): Promise<string | Observation> {
  let answer: unknown;
  try {
    answer = await ask(domain, 'TXT');
  } catch (error) {
    const { kind, why } = answerOf(codeOf(error));
    return { outcome: kind, detail: why };
  }
  const values = (answer as readonly (readonly string[])[]).map((strings) => strings.join(''));
  const [record, ...others] = values.filter((value) => /^v=spf1(?: |$)/i.test(value));
  if (record === undefined) return { outcome: 'absent', detail: 'there is no TXT record that begins with v=spf1' };
  if (others.length === 0) return record;
  const detail = `there are ${others.length + 1} SPF records, and receivers then take none of them (permerror); make one of them`;
  return { outcome: 'mismatch', detail };
}

type Upstream =
  | { readonly trouble: string }
  /** `instead`: where the record of the upstream names no addresses, but asks the DNS about each, one that names these. */
  | { readonly addresses: readonly string[]; readonly instead?: Instead };

async function addressesOf(include: string, server: DnsServer): Promise<Upstream> {
  const questions = createQuestions(server);
  const probe: Instead = new Map([[PROBE, `v=spf1 include:${include} -all`]]);
  const check = (ip: string): Promise<SpfResult> => evaluateSpf({ domain: PROBE, ip }, questions.ask, probe);
  for (const ip of NOBODYS) {
    const { result, why } = await check(ip);
    if (result === 'permerror' || result === 'temperror') return { trouble: show(why) };
  }
  const allowed: string[] = [];
  for (const ip of spread(addressesIn(questions.answers()))) if ((await check(ip)).result === 'pass') allowed.push(ip);
  if (allowed.length > 0) return { addresses: allowed };
  return { addresses: [NOBODYS[0]], instead: new Map([[include.toLowerCase(), `v=spf1 ip4:${NOBODYS[0]} -all`]]) };
}

/** Addresses of networks in records, and of servers that those name. */
function addressesIn(answers: readonly unknown[]): readonly string[] {
  const found = answers.flat(2).flatMap((part) => {
    if (typeof part !== 'string') return [];
    const networks = [...part.matchAll(/(?:^| )\+?ip[46]:([0-9a-f.:]+)/gi)].map(([, address = '']) => address);
    return /^[0-9a-f.:]+$/i.test(part) ? [part] : networks;
  });
  return [...new Set(found)];
}

function spread(addresses: readonly string[]): readonly string[] {
  const last = addresses.length - 1;
  if (last < TRIED_MAX) return addresses;
  return Array.from({ length: TRIED_MAX }, (_, i) => addresses[Math.round((i * last) / (TRIED_MAX - 1))] ?? '');
}

interface Objection {
  readonly observation: Observation;
  /** Receivers cannot evaluate it: another term would not mend that. */
  readonly isBroken: boolean;
}

function objectionTo({ result, why }: SpfResult, ip: string | undefined, include: string): Objection | undefined {
  switch (result) {
    case 'pass':
      return undefined;
    case 'temperror':
      return { observation: { outcome: 'failed', detail: show(why) }, isBroken: true };
    case 'permerror': {
      const detail = `receivers cannot evaluate it (permerror): ${show(why)}`;
      return { observation: { outcome: 'mismatch', detail }, isBroken: true };
    }
    default: {
      const whom = ip === undefined ? `the servers that ${include} allows` : `${ip}, which ${include} allows`;
      const detail = `it does not allow ${whom} (${result})`;
      return { observation: { outcome: 'mismatch', detail }, isBroken: false };
    }
  }
}
