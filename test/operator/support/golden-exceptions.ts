/** Golden inputs that say something which an adapter cannot be told; each with the reason. */

/** It is in the DNS, and in what the operator keeps for itself. */
const FINDINGS = 'what a look-up of DNS has found is no manifest';

/** The same for mails. */
const MAILS = 'what has become of a mail is no manifest';

/** Relays tell it. */
const COUNTS = 'what relays have counted is no manifest';

export const NOT_IN_A_CLUSTER: ReadonlyMap<string, string> = new Map([
  ['records-of-a-domain-are-published-by-a-dnsendpoint', FINDINGS],
  ['one-process-says-that-there-is-nobody-to-publish-to', 'a cluster is no process by itself (dns-endpoints.test.ts)'],
  ['a-verified-domain-says-whether-receivers-take-its-mail', FINDINGS],
  ['what-proved-a-sender-is-lost-and-its-mail-waits', FINDINGS],
  ['a-domain-signs-with-keys-that-are-seen-in-the-dns', FINDINGS],
  ['what-relays-have-counted-is-said-of-lists-and-users', COUNTS],
  ['a-user-whom-nobody-uses-says-so-after-90-days', COUNTS],
  ['a-monthly-quota-is-told-of-at-80-percent-and-ends-a-users-month', COUNTS],
  ['a-user-whose-mail-bounces-is-paused-until-somebody-resumes-it', COUNTS],
  ['a-shared-sender-whose-evidence-is-lost-lets-mail-wait', FINDINGS],
  ['a-sender-that-is-vouched-for-no-more-goes-the-way-of-a-lost-record', 'what was vouched for before is no manifest'],
  ['a-public-suffix-is-nobodys-unless-the-platform-owner-says-so', 'the API server alone sets the time of creation'],
  ['an-address-is-proven-by-a-mail', MAILS],
  ['a-mail-that-was-not-confirmed-says-what-to-do', MAILS],
  ['a-mail-that-could-not-be-sent-says-why-and-when-it-is-tried-again', MAILS],
  ['a-proof-by-mail-outlives-its-object-by-an-hour-at-most', MAILS],
  ['a-domain-is-verified-by-its-record', FINDINGS],
  ['a-lost-record-has-a-grace-period-and-a-failed-look-up-revokes-nothing', FINDINGS],
  ['evidence-about-another-record-counts-for-nothing', FINDINGS],
  ['a-record-that-nobody-publishes-is-asked-for-once-a-day-until-somebody-touches-it', FINDINGS],
  ['one-broken-object-changes-nothing-for-the-good-ones', 'the API server refuses these specs (crds.test.ts)'],
  ['senders-created-before-a-time-are-verified', 'the API server alone sets the time of creation'],
  ['a-user-name-of-another-namespace-is-refused', 'the API server refuses it first (crds.test.ts)'],
  ['an-object-is-programmed-once-every-relay-runs-it', 'needs relays that lag (scenarios.test.ts)'],
  ['a-status-that-has-not-changed-keeps-its-times-and-makes-no-events', 'the API server refuses the status in it'],
]);

export const NOT_IN_A_FOLDER: ReadonlyMap<string, string> = new Map([
  ['records-of-a-domain-are-published-by-a-dnsendpoint', FINDINGS],
  ['a-verified-domain-says-whether-receivers-take-its-mail', FINDINGS],
  ['what-proved-a-sender-is-lost-and-its-mail-waits', FINDINGS],
  ['a-domain-signs-with-keys-that-are-seen-in-the-dns', FINDINGS],
  ['what-relays-have-counted-is-said-of-lists-and-users', COUNTS],
  ['a-user-whom-nobody-uses-says-so-after-90-days', COUNTS],
  ['a-monthly-quota-is-told-of-at-80-percent-and-ends-a-users-month', COUNTS],
  ['a-user-whose-mail-bounces-is-paused-until-somebody-resumes-it', COUNTS],
  ['a-shared-sender-whose-evidence-is-lost-lets-mail-wait', FINDINGS],
  ['a-sender-that-is-vouched-for-no-more-goes-the-way-of-a-lost-record', 'what was vouched for before is no manifest'],
  ['a-public-suffix-is-nobodys-unless-the-platform-owner-says-so', 'a file has no time of creation'],
  ['an-address-is-proven-by-a-mail', MAILS],
  ['a-mail-that-was-not-confirmed-says-what-to-do', MAILS],
  ['a-mail-that-could-not-be-sent-says-why-and-when-it-is-tried-again', MAILS],
  ['a-proof-by-mail-outlives-its-object-by-an-hour-at-most', MAILS],
  ['a-domain-is-verified-by-its-record', FINDINGS],
  ['a-lost-record-has-a-grace-period-and-a-failed-look-up-revokes-nothing', FINDINGS],
  ['evidence-about-another-record-counts-for-nothing', FINDINGS],
  ['a-record-that-nobody-publishes-is-asked-for-once-a-day-until-somebody-touches-it', FINDINGS],
  ['senders-created-before-a-time-are-verified', 'a file has no time of creation that could be trusted'],
  ['an-object-is-programmed-once-every-relay-runs-it', 'needs relays that lag (adapter.test.ts)'],
  ['a-user-name-belongs-to-the-oldest-who-may-have-it', 'a file has no time of creation'],
  ['of-several-default-lists-the-oldest-counts-and-the-other-says-so', 'a file has no time of creation'],
  ['a-list-of-another-class-is-configured-on-the-relays-of-that-class-only', 'one process is one relay class'],
  ['a-class-with-a-broken-upstream-keeps-its-secrets-from-tenants', 'the class comes from settings, not manifests'],
  ['a-deleted-user-leaves-nothing-behind', 'a file is there or not, it is never being deleted'],
]);
