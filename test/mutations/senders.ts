/** Of proofs and records of senders: each verifies what nobody has proven, or says of mail what receivers would not. */
import type { Mutation } from './mutation.ts';

const GOLDEN = ['operator/core/plan.test.ts'];
const MAIL = ['operator/verify/mail-proofs.test.ts'];
const PAGE = ['operator/page/verify-page.test.ts'];
const EVIDENCE = ['operator/verify/evidence.test.ts'];
const KEPT = ['operator/directory/evidence.test.ts'];
const LOOK_UP = ['test/verify/look-up.test.ts'];
const KEY = ['operator/verify/key-record.test.ts'];
const SPF = ['test/verify/spf-record.test.ts'];
const DMARC = ['test/verify/dmarc-record.test.ts'];
const ALIGNMENT = ['operator/core/senders/alignment.test.ts'];

const mailMutations: readonly Mutation[] = [
  {
    name: 'mail proof: any code is the right one',
    file: 'operator/verify/mail-proofs.ts',
    from: 'if (isSame(hash, challenge.codeHash)) {',
    to: 'if (hash !== challenge.codeHash || hash) {',
    tests: MAIL,
  },
  {
    name: 'mail proof: codes may be tried without end',
    file: 'operator/verify/mail-evidence.ts',
    from: ' && challenge.wrongCodes.length < WRONG_CODES_MAX',
    to: '',
    tests: MAIL,
  },
  {
    name: 'mail proof: any link confirms',
    file: 'operator/verify/mail-proofs.ts',
    from: 'evidence.challenge?.linkHash !== linkHash || ',
    to: '',
    tests: MAIL,
  },
  {
    name: 'mail proof: a link is good for ever',
    file: 'operator/verify/mail-evidence.ts',
    from: 'return new Date(challenge.expiryTime) > now && ',
    to: 'return ',
    tests: MAIL,
  },
  {
    name: 'mail proof: whoever opens the page confirms',
    file: 'operator/page/verify-page.ts',
    from: "if (method === 'POST') return confirm(hash);",
    to: 'return confirm(hash);',
    tests: PAGE,
  },
  {
    name: 'mail proof: the page tells links that were used from those that never were',
    file: 'operator/page/verify-page.ts',
    from: "return link.state === 'Open' ? answer('ask', 200, askPage(link)) : unusable();",
    to: "return answer('ask', 200, askPage(link));",
    tests: PAGE,
  },
  {
    name: 'mail proof: it outlives its object for ever',
    file: 'operator/verify/mail-evidence.ts',
    from: 'return goneSince !== undefined && after(new Date(goneSince), KEPT_SECONDS) <= now;',
    to: 'return goneSince === "";',
    tests: MAIL,
  },
  {
    name: 'mail proof: nobody asks how long an object was gone that nobody watched',
    file: 'operator/verify/unwatched.ts',
    from: 'if (oldest <= gone) return undefined;',
    to: 'if (gone) return undefined;',
    tests: ['operator/verify/unwatched.test.ts'],
  },
  {
    name: 'mail proof: a mailbox gets as many mails as somebody asks for',
    file: 'operator/verify/mail-limits.ts',
    from: 'if (times.length < most) return undefined;',
    to: 'if (most > 0) return undefined;',
    tests: MAIL,
  },
  {
    name: 'mail proof: one that is lost counts as one that was found',
    file: 'operator/core/senders/mail-proof.ts',
    from: "judgement: judgement('False', 'EvidenceLost', message), wish, ...lost }",
    to: "judgement: judgement('True', 'EvidenceLost', message), method: 'EmailProof', wish, ...lost }",
    tests: GOLDEN,
  },
  {
    name: 'mail proof: mail is refused where a proof is lost',
    file: 'operator/core/senders/mail-proof.ts',
    from: 'if (refusal === undefined || refusal <= now) return verdict;',
    to: 'if (refusal === undefined || refusal) return verdict;',
    tests: MAIL,
  },
];

const dnsMutations: readonly Mutation[] = [
  {
    name: 'DNS proof: any value will do',
    file: 'operator/verify/look-up.ts',
    from: 'if (values.includes(recordValue)) return',
    to: 'if (values.length > 0) return',
    tests: LOOK_UP,
  },
  {
    name: 'DNS proof: what was found for another domain counts',
    file: 'operator/core/senders/dns-proof.ts',
    from: 'return evidence?.recordName === recordName && evidence.recordValue === recordValue;',
    to: 'return evidence !== undefined && recordName !== recordValue;',
    tests: GOLDEN,
  },
  {
    name: 'DNS proof: who could not be asked has said no',
    file: 'operator/verify/evidence.ts',
    from: "(outcome === 'failed' ? undefined : time)",
    to: 'time',
    tests: EVIDENCE,
  },
  {
    name: 'DNS proof: there is no grace',
    file: 'operator/core/senders/dns-proof.ts',
    from: 'const revocation = after(missing ?? parseTime(time) ?? now, graceSeconds);',
    to: 'const revocation = after(missing ?? parseTime(time) ?? now, graceSeconds * 0);',
    tests: GOLDEN,
  },
  {
    name: 'DNS proof: the whole of a public suffix can be proven',
    file: 'operator/core/senders/senders.ts',
    from: 'if (isPublicSuffix(domain)) return',
    to: 'if (domain === "") return',
    tests: GOLDEN,
  },
  {
    name: 'DNS proof: mail of guests is refused where a proof is lost',
    file: 'operator/core/senders/sender-rules.ts',
    from: 'return isVerified(verdict) || verdict.isLost === true;',
    to: 'return isVerified(verdict);',
    tests: GOLDEN,
  },
];

const recordMutations: readonly Mutation[] = [
  {
    name: 'DKIM: records of keys are told before the keys are kept',
    file: 'operator/directory/evidence.ts',
    from: 'allKept: () => kept,',
    to: 'allKept: () => known,',
    tests: KEPT,
  },
  {
    name: 'DKIM: a record with another key is taken for ours',
    file: 'operator/verify/key-record.ts',
    from: "if (key !== wanted.get('p'))",
    to: "if (key === '')",
    tests: KEY,
  },
  {
    name: 'SPF: a record that allows the first server of the upstream is enough',
    file: 'operator/verify/spf-record.ts',
    from: 'for (const ip of upstream.addresses) {',
    to: 'for (const ip of upstream.addresses.slice(0, 1)) {',
    tests: SPF,
  },
  {
    name: 'SPF: two records are as good as one',
    file: 'operator/verify/spf-record.ts',
    from: 'if (others.length === 0) return record;',
    to: 'if (others.length >= 0) return record;',
    tests: SPF,
  },
  {
    name: 'SPF: the letter of the RFC does not matter',
    file: 'operator/verify/spf-evaluation.ts',
    from: 'strict: true,',
    to: 'strict: false,',
    tests: SPF,
  },
  {
    name: 'SPF: who could not be asked has no record',
    file: 'operator/verify/spf-record.ts',
    from: 'return { outcome: kind, detail: why };',
    to: "return { outcome: kind === 'failed' ? 'absent' : kind, detail: why };",
    tests: SPF,
  },
  {
    name: 'DMARC: the record of the registered domain does not count below it',
    file: 'operator/verify/dmarc-record.ts',
    from: "if (own.outcome !== 'absent' || above === recordName) return own;",
    to: 'if (above) return own;',
    tests: DMARC,
  },
  {
    name: 'DMARC: two records are as good as one',
    file: 'operator/verify/dmarc-record.ts',
    from: 'if (others.length > 0) {',
    to: 'if (others.length < 0) {',
    tests: DMARC,
  },
  {
    name: 'DMARC: a tag that is there twice is read',
    file: 'operator/core/senders/dmarc-policy.ts',
    from: 'if (tags.has(key)) return undefined;',
    to: '',
    tests: DMARC,
  },
  {
    name: 'DMARC: an SPF record that does not allow the upstream lets mail pass',
    file: 'operator/core/senders/alignment.ts',
    from: 'const isAllowed = spf !== undefined && isInPlace(spf);',
    to: 'const isAllowed = spf !== undefined;',
    tests: ALIGNMENT,
  },
  {
    name: 'DMARC: unsigned mail passes as if it were signed',
    file: 'operator/core/senders/alignment.ts',
    from: 'if (isSigned) {',
    to: 'if (isSigned || domain) {',
    tests: ALIGNMENT,
  },
  {
    name: 'DMARC: a signature speaks for what is below its domain, however strict the record is',
    file: 'operator/core/senders/alignment.ts',
    from: 'if (!includeSubdomains || policy?.isDkimStrict !== true) return',
    to: 'if (!includeSubdomains || policy) return',
    tests: ALIGNMENT,
  },
];

export const sendersMutations: readonly Mutation[] = [...mailMutations, ...dnsMutations, ...recordMutations];
