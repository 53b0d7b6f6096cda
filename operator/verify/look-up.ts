/** What the DNS says about one record, asked of one resolver or of several that have to agree. */
import type { DnsEvidence } from '../core/model.ts';
import { askTxt, type DnsServer } from './ask-txt.ts';
import { show } from './show.ts';

export interface RecordQuestion {
  readonly recordName: string;
  readonly recordValue: string;
}

/** The part of the evidence that comes from the DNS. */
export type Observation = Pick<DnsEvidence, 'outcome' | 'detail' | 'seen' | 'seenAt'>;

export interface Resolvers {
  /** `ADDRESS` or `ADDRESS:PORT`; none: those of the system. */
  readonly servers: readonly string[];
  /** How many of `servers` have to say the same before it counts. */
  readonly quorum: number;
  /** For the first try of a question; milliseconds. Default: 3 s. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 3000;
const TRIES = 3;
/** Values that are shown: a hostile zone may have thousands. */
const SHOWN = 3;
/** What marks a value as one of ours, of whatever installation. */
const PREFIX = 'smtpplus-verification=';

/** What one server says about the record in question. */
export type AskRecord = (question: RecordQuestion, server: DnsServer) => Promise<Observation>;

export async function lookUp(
  question: RecordQuestion,
  resolvers: Resolvers,
  look: AskRecord = lookAtChallenge,
): Promise<Observation> {
  const { servers, timeoutMs = TIMEOUT_MS } = resolvers;
  const patience = { timeoutMs, tries: TRIES };
  if (servers.length === 0) return look(question, patience);
  const ask = async (server: string): Promise<Vote> => ({ server, ...(await look(question, { server, ...patience })) });
  const votes = await Promise.all(servers.map(ask));
  return agree(votes, resolvers.quorum);
}

interface Vote extends Observation {
  readonly server: string;
}

/**
 * `found` takes the word of as many as the quorum, and so does its absence: neither a resolver that was poisoned nor one
 * that is broken decides alone.
 */
function agree(votes: readonly Vote[], quorum: number): Observation {
  const found = votes.filter(({ outcome }) => outcome === 'found');
  const gone = votes.filter(({ outcome }) => outcome === 'absent' || outcome === 'mismatch');
  const [first] = found.length >= quorum ? found : [];
  if (first !== undefined) return saidBy(first);
  const mismatch = gone.find(({ outcome }) => outcome === 'mismatch') ?? gone[0];
  if (mismatch !== undefined && gone.length >= quorum) return saidBy(mismatch);
  const said = votes.map(({ server, outcome, detail }) => `${server}: ${outcome === 'found' ? 'it is there' : detail}`);
  return {
    outcome: 'failed',
    detail: `${quorum} of ${votes.length} resolvers have to agree, and do not. ${said.join('; ')}`,
  };
}

function saidBy(vote: Vote): Observation {
  const { server: _, ...observation } = vote;
  return observation;
}

async function lookAtChallenge({ recordName, recordValue }: RecordQuestion, server: DnsServer): Promise<Observation> {
  const answer = await askTxt(recordName, server);
  if (answer.kind !== 'values') return { outcome: answer.kind, detail: answer.why };
  const values = answer.values.map((value) => value.trim());
  if (values.includes(recordValue)) return { outcome: 'found', detail: 'it is there' };
  if (values.length === 0) {
    const detail = 'the name is an alias (CNAME), and what it points to has no TXT record that could be found';
    return { outcome: 'absent', detail };
  }
  return { outcome: 'mismatch', detail: describeOthers(values) };
}

/**
 * Ours are shown, so that somebody sees the typing error; of others only how many there are: by a CNAME, whoever owns the
 * domain could make us read out the records of a zone that only we can see.
 */
function describeOthers(values: readonly string[]): string {
  const ours = values.filter((value) => value.startsWith(PREFIX));
  const others = values.length - ours.length;
  const shown = ours.slice(0, SHOWN).map((value) => `"${show(value)}"`);
  const more = ours.length - shown.length;
  return [
    ...shown,
    ...(more > 0 ? [`${more} more that begin so`] : []),
    ...(others > 0 ? [`${others} TXT ${others === 1 ? 'record' : 'records'} for other purposes`] : []),
  ].join(', ');
}
