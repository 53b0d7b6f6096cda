/**
 * Objects that must be refused, by a real API server with our CRDs and by `check`, each with a message that names
 * the field. One slip each: everything else about the object is fine.
 */
import type { KindName } from '../../operator/api/kinds.ts';

export interface BadObject {
  /** What is wrong, as a sentence. */
  readonly title: string;
  readonly kind: KindName;
  readonly spec?: unknown;
  readonly name?: string;
  /** Besides name and namespace. */
  readonly metadata?: object;
  /** The spec that it had before, for rules about what may change. */
  readonly before?: unknown;
  /** As both must name it; `[]` stands for the index of an item. */
  readonly field: string;
  /** The rule, in the words of the API server and of `check`. */
  readonly server: RegExp;
  readonly check: RegExp;
}

type Says = readonly [server: RegExp, check: RegExp];
type Slip = readonly [title: string, field: string, spec: unknown, says: Says];

const MISSING: Says = [/Required value/, /is missing; add it/];
const PATTERN: Says = [/should match/, /must be/];
const ONE_OF: Says = [/Unsupported value.*supported values/s, /must be one of/];
const TOO_LONG: Says = [/Too long: may not be more than/, /must have at most \d+ characters/];
const TOO_SHORT: Says = [/should be at least \d+ chars long/, /must have at least \d+ characters/];
const TOO_BIG: Says = [/should be less than or equal to/, /must be at most \d+/];
const TOO_SMALL: Says = [/should be greater than or equal to/, /must be at least \d+/];
const TOO_MANY: Says = [/Too many|must have at most \d+ items/, /must hold at most \d+/];
const TWICE: Says = [/Duplicate value/, /must not hold the same entry twice/];
const UNKNOWN: Says = [/unknown field/, /is not a field/];
const TYPE: Says = [/must be of type|Invalid value/, /must be (a|text|true)/];

/** A CEL rule has the same words in both worlds. */
function rule(words: RegExp): Says {
  return [words, words];
}

const smartHost = { host: 'smtp.example' };
const oauth2 = {
  tokenURL: 'https://login.example/token',
  clientID: 'relay',
  clientSecretRef: { name: 'client' },
  user: 'orders@shop.example',
};
const text = (length: number): string => 'a'.repeat(length);
const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

const lists: readonly Slip[] = [
  ['has text for a spec', 'spec', 'none', TYPE],
  ['misspells a field', 'spec.suspended', { suspended: true }, UNKNOWN],
  ['misspells a field of a field', 'spec.upstream.hots', { upstream: { ...smartHost, hots: 'x' } }, UNKNOWN],
  ['names a class in capitals', 'spec.relayClassName', { relayClassName: 'Default' }, PATTERN],
  ['names a class that is no label', 'spec.relayClassName', { relayClassName: 'a.b' }, PATTERN],
  ['has an empty class', 'spec.relayClassName', { relayClassName: '' }, TOO_SHORT],
  ['has a class that is too long', 'spec.relayClassName', { relayClassName: text(64) }, TOO_LONG],
  ['has a description that is too long', 'spec.description', { description: text(1025) }, TOO_LONG],
  ['says suspend in words', 'spec.suspend', { suspend: 'yes' }, TYPE],
  ['has an unknown STARTTLS mode', 'spec.starttls', { starttls: 'Sometimes' }, ONE_OF],
  ['has a mode in lower case', 'spec.starttls', { starttls: 'required' }, ONE_OF],
  ['shares with nobody known', 'spec.allowedNamespaces.from', { allowedNamespaces: { from: 'Some' } }, ONE_OF],
  [
    'selects namespaces without a selector',
    'spec.allowedNamespaces.selector',
    { allowedNamespaces: { from: 'Selector' } },
    rule(/selector and `from: Selector` go together/),
  ],
  [
    'has a selector that is not used',
    'spec.allowedNamespaces.selector',
    { allowedNamespaces: { from: 'All', selector: { matchLabels: { team: 'shop' } } } },
    rule(/selector and `from: Selector` go together/),
  ],
  [
    'has a selector with an operator that there is not',
    'spec.allowedNamespaces.selector.matchExpressions[].operator',
    selecting({ matchExpressions: [{ key: 'team', operator: 'Equals', values: ['a'] }] }),
    ONE_OF,
  ],
  [
    'has a label key that is too long',
    'spec.allowedNamespaces.selector.matchExpressions[].key',
    selecting({ matchExpressions: [{ key: text(64), operator: 'Exists' }] }),
    PATTERN,
  ],
  [
    'has In without values',
    'spec.allowedNamespaces.selector.matchExpressions[].values',
    selecting({ matchExpressions: [{ key: 'team', operator: 'In' }] }),
    rule(/values must be set for the operators In and NotIn/),
  ],
  [
    'has Exists with values',
    'spec.allowedNamespaces.selector.matchExpressions[].values',
    selecting({ matchExpressions: [{ key: 'team', operator: 'Exists', values: ['a'] }] }),
    rule(/values must be set for the operators In and NotIn/),
  ],
  [
    'has a label key that is none',
    'spec.allowedNamespaces.selector.matchExpressions[].key',
    selecting({ matchExpressions: [{ key: 'a b', operator: 'Exists' }] }),
    PATTERN,
  ],
  [
    'has a label value that is none',
    'spec.allowedNamespaces.selector.matchLabels.team',
    selecting({ matchLabels: { team: 'no spaces' } }),
    [/should match/, /must be a valid label value/],
  ],
  [
    'selects by too many labels',
    'spec.allowedNamespaces.selector.matchLabels',
    selecting({ matchLabels: Object.fromEntries(numbers(17).map((i) => [`l${i}`, 'x'])) }),
    [/Too many/, /must hold at most 16 labels/],
  ],
  ['has an upstream without a host', 'spec.upstream.host', { upstream: { port: 587 } }, MISSING],
  ['has an upstream that is text', 'spec.upstream', { upstream: 'smtp.example:587' }, TYPE],
  ['has a host with a port in it', 'spec.upstream.host', { upstream: { host: 'smtp.example/587' } }, PATTERN],
  [
    'has a host with a port behind a colon',
    'spec.upstream.host',
    { upstream: { host: 'smtp.provider.example:587' } },
    rule(/put the port into spec.upstream.port/),
  ],
  [
    'has an address with a port behind a colon',
    'spec.upstream.host',
    { upstream: { host: '192.0.2.1:587' } },
    rule(/put the port into spec.upstream.port/),
  ],
  [
    'has an IPv4 address inside IPv6 for a host',
    'spec.upstream.host',
    { upstream: { host: '::ffff:c000:201' } },
    rule(/must be a host name or an IP address/),
  ],
  [
    'has an address with a final dot for a host',
    'spec.upstream.host',
    { upstream: { host: '192.0.2.1.' } },
    rule(/a final dot behind names only/),
  ],
  ['has a host with two final dots', 'spec.upstream.host', { upstream: { host: 'smtp.example..' } }, PATTERN],
  [
    'has a final dot in the name of a certificate',
    'spec.upstream.serverName',
    { upstream: { ...smartHost, serverName: 'smtp.provider.example.' } },
    PATTERN,
  ],
  [
    'has a port in the name of a certificate',
    'spec.upstream.serverName',
    { upstream: { ...smartHost, serverName: 'smtp.provider.example:587' } },
    rule(/serverName must be a host name or an IP address, without a port/),
  ],
  [
    'says how to log in and not as whom',
    'spec.upstream.auth',
    { upstream: { ...smartHost, auth: 'LOGIN' } },
    rule(/spec\.upstream\.auth needs a log-in/),
  ],
  [
    'logs in by a mechanism that there is not',
    'spec.upstream.auth',
    { upstream: { ...smartHost, auth: 'NTLM', credentialsSecretRef: { name: 'smart-host' } } },
    ONE_OF,
  ],
  [
    'logs in with a token and has no way to get one',
    'spec.upstream.auth',
    { upstream: { ...smartHost, auth: 'XOAUTH2', credentialsSecretRef: { name: 'smart-host' } } },
    rule(/oauth2 for XOAUTH2 and OAUTHBEARER, credentialsSecretRef for the others/),
  ],
  [
    'logs in in two ways',
    'spec.upstream.oauth2',
    { upstream: { ...smartHost, oauth2, credentialsSecretRef: { name: 'smart-host' } } },
    rule(/oauth2 and spec\.upstream\.credentialsSecretRef are two ways to log in; remove one of them/),
  ],
  [
    'sends a token in clear text',
    'spec.upstream.tls',
    { upstream: { ...smartHost, tls: 'Opportunistic', oauth2 } },
    rule(/must be StartTLS or Implicit if credentialsSecretRef or oauth2 is set/),
  ],
  [
    'asks for a token in clear text',
    'spec.upstream.oauth2.tokenURL',
    { upstream: { ...smartHost, oauth2: { ...oauth2, tokenURL: 'http://login.example/token' } } },
    PATTERN,
  ],
  [
    'asks for a token without a secret',
    'spec.upstream.oauth2.clientSecretRef',
    { upstream: { ...smartHost, oauth2: { ...oauth2, clientSecretRef: undefined } } },
    MISSING,
  ],
  [
    'logs in as nobody',
    'spec.upstream.oauth2.user',
    { upstream: { ...smartHost, oauth2: { ...oauth2, user: '' } } },
    TOO_SHORT,
  ],
  [
    'logs in as somebody with a control character',
    'spec.upstream.oauth2.user',
    { upstream: { ...smartHost, oauth2: { ...oauth2, user: 'a\x01auth=Bearer' } } },
    PATTERN,
  ],
  ['says EHLO with one label', 'spec.upstream.helo', { upstream: { ...smartHost, helo: 'relay' } }, PATTERN],
  ['says EHLO with a command', 'spec.upstream.helo', { upstream: { ...smartHost, helo: 'a.b\r\nQUIT' } }, PATTERN],
  ['says EHLO with half brackets', 'spec.upstream.helo', { upstream: { ...smartHost, helo: '[192.0.2.1' } }, PATTERN],
  [
    'sends to nobody at once',
    'spec.upstream.recipientsPerTransaction',
    { upstream: { ...smartHost, recipientsPerTransaction: 0 } },
    TOO_SMALL,
  ],
  [
    'sends to too many at once',
    'spec.upstream.recipientsPerTransaction',
    { upstream: { ...smartHost, recipientsPerTransaction: 1001 } },
    TOO_BIG,
  ],
  ['has a host that is a URL', 'spec.upstream.host', { upstream: { host: 'smtp://smtp.example' } }, PATTERN],
  ['has a port past the last', 'spec.upstream.port', { upstream: { ...smartHost, port: 65536 } }, TOO_BIG],
  ['has port 0', 'spec.upstream.port', { upstream: { ...smartHost, port: 0 } }, TOO_SMALL],
  ['has half a port', 'spec.upstream.port', { upstream: { ...smartHost, port: 25.5 } }, TYPE],
  ['has a port in quotes', 'spec.upstream.port', { upstream: { ...smartHost, port: '587' } }, TYPE],
  ['has a TLS mode that there is not', 'spec.upstream.tls', { upstream: { ...smartHost, tls: 'SSL' } }, ONE_OF],
  [
    'sends a password in clear text',
    'spec.upstream.tls',
    { upstream: { ...smartHost, tls: 'None', credentialsSecretRef: { name: 'smart-host' } } },
    rule(/must be StartTLS or Implicit if credentialsSecretRef or oauth2 is set/),
  ],
  [
    'sends a password to whoever answers',
    'spec.upstream.tls',
    { upstream: { ...smartHost, tls: 'Opportunistic', credentialsSecretRef: { name: 'smart-host' } } },
    rule(/must be StartTLS or Implicit if credentialsSecretRef or oauth2 is set/),
  ],
  [
    'has a CA and does not verify',
    'spec.upstream.tls',
    { upstream: { ...smartHost, tls: 'Opportunistic', caSecretRef: { name: 'ca' } } },
    rule(/must be StartTLS or Implicit if caSecretRef or serverName is set/),
  ],
  [
    'refers to a Secret without a name',
    'spec.upstream.caSecretRef.name',
    { upstream: { ...smartHost, caSecretRef: {} } },
    MISSING,
  ],
  [
    'refers to a Secret of another namespace',
    'spec.upstream.credentialsSecretRef.namespace',
    { upstream: { ...smartHost, credentialsSecretRef: { name: 'a', namespace: 'bank' } } },
    UNKNOWN,
  ],
  [
    'has no connection to give',
    'spec.upstream.maxConnections',
    { upstream: { ...smartHost, maxConnections: 0 } },
    TOO_SMALL,
  ],
  [
    'has a policy that there is not',
    'spec.senderPolicy.envelopeFrom',
    { senderPolicy: { envelopeFrom: 'Off' } },
    ONE_OF,
  ],
  ['reaches a bare domain', 'spec.recipients.allow[]', { recipients: { allow: ['shop.example'] } }, PATTERN],
  ['reaches a wildcard', 'spec.recipients.allow[]', { recipients: { allow: ['@*.shop.example'] } }, PATTERN],
  [
    'reaches the same domain twice',
    'spec.recipients.allow',
    { recipients: { allow: ['@a.example', '@a.example'] } },
    TWICE,
  ],
  [
    'reaches too many',
    'spec.recipients.allow',
    { recipients: { allow: numbers(65).map((i) => `r${i}@shop.example`) } },
    TOO_MANY,
  ],
  [
    'reaches an address that no mail system takes',
    'spec.recipients.allow[]',
    { recipients: { allow: [`${text(65)}@shop.example`] } },
    rule(/spec.recipients.allow must not hold an address with more than 64/),
  ],
  [
    'does something else with mail to others',
    'spec.recipients.otherwise',
    { recipients: { otherwise: 'Drop' } },
    ONE_OF,
  ],
  [
    'redirects mail to nobody',
    'spec.recipients.redirectTo',
    { recipients: { otherwise: 'Redirect' } },
    rule(/spec.recipients.redirectTo and otherwise: Redirect go together/),
  ],
  [
    'names somebody to redirect to, and does not',
    'spec.recipients.redirectTo',
    { recipients: { redirectTo: 'tester@shop.example' } },
    rule(/spec.recipients.redirectTo and otherwise: Redirect go together/),
  ],
  [
    'redirects mail to a domain',
    'spec.recipients.redirectTo',
    { recipients: { otherwise: 'Redirect', redirectTo: '@shop.example' } },
    PATTERN,
  ],
  [
    'redirects mail to an address that no mail system takes',
    'spec.recipients.redirectTo',
    { recipients: { otherwise: 'Redirect', redirectTo: `${text(65)}@shop.example` } },
    rule(/spec.recipients.redirectTo must have at most 64/),
  ],
  ['keeps some Bcc fields', 'spec.senderPolicy.bcc', { senderPolicy: { bcc: 'Some' } }, ONE_OF],
  ['wants messages past a gigabyte', 'spec.limits.messageBytes', { limits: { messageBytes: 2 ** 31 } }, TOO_BIG],
  ['wants no recipients', 'spec.limits.recipientsPerMessage', { limits: { recipientsPerMessage: 0 } }, TOO_SMALL],
  ['has a size with a unit', 'spec.limits.messageBytes', { limits: { messageBytes: '10Mi' } }, TYPE],
  ['tries delivery for days', 'spec.delivery.maxAge', { delivery: { maxAge: '5d' } }, PATTERN],
  [
    'never tries delivery',
    'spec.delivery.maxAge',
    { delivery: { maxAge: '0s', delayNoticeAfter: '1m' } },
    rule(/between 1m and 720h/),
  ],
  ['tries delivery for ever', 'spec.delivery.maxAge', { delivery: { maxAge: '99999h' } }, rule(/between 1m and 720h/)],
  [
    'tells of a delay at once',
    'spec.delivery.delayNoticeAfter',
    { delivery: { delayNoticeAfter: '0s' } },
    rule(/between 1m and 720h/),
  ],
  [
    'tells of a delay after giving up',
    'spec.delivery.delayNoticeAfter',
    { delivery: { maxAge: '1h', delayNoticeAfter: '2h' } },
    rule(/delayNoticeAfter must not exceed/),
  ],
];

const users: readonly Slip[] = [
  ['refers to a list without a name', 'spec.listRef.name', { listRef: { namespace: 'mail' } }, MISSING],
  ['refers to a list by text', 'spec.listRef', { listRef: 'transactional' }, TYPE],
  ['refers to a list in capitals', 'spec.listRef.name', { listRef: { name: 'Transactional' } }, PATTERN],
  [
    'refers to a namespace that cannot be',
    'spec.listRef.namespace',
    { listRef: { name: 'a', namespace: 'a.b' } },
    PATTERN,
  ],
  ['takes the name of another user', 'spec.username', { username: 'root' }, rule(/must be NAME.NAMESPACE/)],
  ['has a user name with a space', 'spec.username', { username: 'a user' }, PATTERN],
  ['has a user name in capitals', 'spec.username', { username: 'Orders@Shop.example' }, PATTERN],
  ['has a user name with a line break', 'spec.username', { username: 'a@shop.example\n' }, PATTERN],
  ['has a user name that is too long', 'spec.username', { username: text(255) }, TOO_LONG],
  ['says active in words', 'spec.active', { active: 'true' }, TYPE],
  ['says activ', 'spec.activ', { activ: true }, UNKNOWN],
  ['narrows to a bare domain', 'spec.senders[]', { senders: ['shop.example'] }, PATTERN],
  ['narrows to a wildcard', 'spec.senders[]', { senders: ['*@shop.example'] }, PATTERN],
  ['narrows to a name and address', 'spec.senders[]', { senders: ['Shop <orders@shop.example>'] }, PATTERN],
  ['narrows to the same sender twice', 'spec.senders', { senders: ['@shop.example', '@shop.example'] }, TWICE],
  ['narrows to too many senders', 'spec.senders', { senders: numbers(65).map((i) => `s${i}@shop.example`) }, TOO_MANY],
  [
    'narrows to an address that no mail system takes',
    'spec.senders[]',
    { senders: [`${text(65)}@shop.example`] },
    rule(/must not hold an address with more than 64 characters/),
  ],
  ['has one sender instead of a list', 'spec.senders', { senders: 'orders@shop.example' }, TYPE],
  [
    'has a Secret name that is none',
    'spec.credentials.secretName',
    { credentials: { secretName: 'My_Secret' } },
    PATTERN,
  ],
  [
    'labels its Secret with what is no label key',
    'spec.credentials.secretTemplate.labels',
    { credentials: { secretTemplate: { labels: { 'my team': 'a' } } } },
    rule(/labels must have keys such as `team`/),
  ],
  [
    'labels its Secret with a key of the operator',
    'spec.credentials.secretTemplate.labels',
    { credentials: { secretTemplate: { labels: { 'app.kubernetes.io/managed-by': 'me' } } } },
    rule(/labels must not hold app.kubernetes.io\/managed-by/),
  ],
  [
    'annotates its Secret with a key of the operator',
    'spec.credentials.secretTemplate.annotations',
    { credentials: { secretTemplate: { annotations: { 'smtpplus.io/credentials': '{}' } } } },
    rule(/annotations must not hold .* below smtpplus.io/),
  ],
  [
    'annotates its Secret with a key of kubectl',
    'spec.credentials.secretTemplate.annotations',
    { credentials: { secretTemplate: { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}' } } } },
    rule(/annotations must not hold/),
  ],
  [
    'names a key that a Secret cannot have',
    'spec.credentials.secretTemplate.keys',
    { credentials: { secretTemplate: { keys: { 'SMTP/HOST': 'host' } } } },
    rule(/keys must have names of at most 253 letters/),
  ],
  [
    'names a key that begins with two dots',
    'spec.credentials.secretTemplate.keys',
    { credentials: { secretTemplate: { keys: { '..data': 'host' } } } },
    rule(/keys must have names of at most 253 letters/),
  ],
  [
    'gives a key of its Secret another value',
    'spec.credentials.secretTemplate.keys',
    { credentials: { secretTemplate: { keys: { password: 'username' } } } },
    rule(/keys must not hold type, provider/),
  ],
  [
    'repeats too many keys',
    'spec.credentials.secretTemplate.keys',
    { credentials: { secretTemplate: { keys: Object.fromEntries(numbers(33).map((i) => [`K${i}`, 'host'])) } } },
    [/Too many/, /must hold at most 32 entries/],
  ],
  ['has a password in the open', 'spec.credentials.password', { credentials: { password: 'hunter2' } }, UNKNOWN],
  [
    'has a key that a Secret cannot have',
    'spec.credentials.passwordSecretRef.key',
    { credentials: { passwordSecretRef: { name: 'own', key: 'a/b' } } },
    PATTERN,
  ],
  [
    'rotates a password of its own',
    'spec.credentials.rotation',
    { credentials: { passwordSecretRef: { name: 'own' }, rotation: { interval: '720h' } } },
    rule(/rotation may have only overlap if passwordSecretRef is set/),
  ],
  [
    'overwrites its own password',
    'spec.credentials',
    { credentials: { secretName: 'own', passwordSecretRef: { name: 'own' } } },
    rule(/passwordSecretRef must not name the Secret that the credentials are written to/),
  ],
  [
    'rotates all the time',
    'spec.credentials.rotation.interval',
    { credentials: { rotation: { interval: '10s', overlap: '1s' } } },
    rule(/must be between 1h and 8784h/),
  ],
  [
    'rotates with an interval that is no duration',
    'spec.credentials.rotation.interval',
    { credentials: { rotation: { interval: '30 days' } } },
    PATTERN,
  ],
  [
    'lets old passwords pile up',
    'spec.credentials.rotation.overlap',
    { credentials: { rotation: { interval: '24h', overlap: '25h' } } },
    rule(/overlap must not exceed the interval/),
  ],
  ['has a mode that there is not', 'spec.mode', { mode: 'Test' }, ONE_OF],
  ['has a negative limit', 'spec.limits.messagesPerHour', { limits: { messagesPerHour: -1 } }, TOO_SMALL],
  [
    'allows an address without a mask',
    'spec.clientCIDRs[]',
    { clientCIDRs: ['10.0.0.1'] },
    rule(/must hold CIDR ranges/),
  ],
  [
    'allows a mask past the last bit',
    'spec.clientCIDRs[]',
    { clientCIDRs: ['10.0.0.0/33'] },
    rule(/must hold CIDR ranges/),
  ],
  [
    'allows IPv4 addresses inside IPv6',
    'spec.clientCIDRs[]',
    { clientCIDRs: ['::ffff:0a00:0/104'] },
    rule(/must hold CIDR ranges/),
  ],
  [
    'allows IPv4 addresses inside IPv6, in full',
    'spec.clientCIDRs[]',
    { clientCIDRs: ['0:0:0:0:0:FFFF:a00:0/104'] },
    rule(/must hold CIDR ranges/),
  ],
  ['allows a host name', 'spec.clientCIDRs[]', { clientCIDRs: ['shop.example'] }, rule(/must hold CIDR ranges/)],
  [
    'allows IPv4 in the clothes of IPv6',
    'spec.clientCIDRs[]',
    { clientCIDRs: ['::ffff:10.0.0.0/104'] },
    rule(/must hold CIDR ranges/),
  ],
  ['allows one range twice', 'spec.clientCIDRs', { clientCIDRs: ['10.0.0.0/8', '10.0.0.0/8'] }, TWICE],
];

const senders: readonly Slip[] = [
  ['is neither address nor domain', 'spec', {}, rule(/exactly one of address and domain/)],
  [
    'is both address and domain',
    'spec',
    { address: 'orders@shop.example', domain: 'shop.example' },
    rule(/exactly one of address and domain/),
  ],
  ['has a domain in capitals', 'spec.domain', { domain: 'Shop.example' }, PATTERN],
  ['has a domain of one label', 'spec.domain', { domain: 'localhost' }, PATTERN],
  ['has a wildcard domain', 'spec.domain', { domain: '*.shop.example' }, PATTERN],
  ['has a domain with an @', 'spec.domain', { domain: '@shop.example' }, PATTERN],
  [
    'has a domain that ends in a dot',
    'spec.domain',
    { domain: 'shop.example.' },
    rule(/domain must not end with a dot/),
  ],
  [
    'has an address that ends in a dot',
    'spec.address',
    { address: 'orders@shop.example.' },
    rule(/address must not end with a dot/),
  ],
  ['has a domain that ends in two dots', 'spec.domain', { domain: 'shop.example..' }, PATTERN],
  ['has a domain with an underscore', 'spec.domain', { domain: '_dmarc.shop.example' }, PATTERN],
  ['has a domain with an empty label', 'spec.domain', { domain: 'shop..example' }, PATTERN],
  ['has a domain that is too long', 'spec.domain', { domain: `${'a.'.repeat(126)}example` }, TOO_LONG],
  ['has an address without a domain', 'spec.address', { address: 'orders' }, PATTERN],
  ['has an address with a display name', 'spec.address', { address: 'Shop <orders@shop.example>' }, PATTERN],
  ['has an address with two @', 'spec.address', { address: 'a@b@shop.example' }, PATTERN],
  ['has a quoted local part', 'spec.address', { address: '"a b"@shop.example' }, PATTERN],
  ['has an address literal', 'spec.address', { address: 'a@[192.0.2.1]' }, PATTERN],
  [
    'has a local part that is too long',
    'spec.address',
    { address: `${text(65)}@shop.example` },
    rule(/address must have at most 64 characters before the @/),
  ],
  [
    'includes the subdomains of an address',
    'spec.includeSubdomains',
    { address: 'orders@shop.example', includeSubdomains: true },
    rule(/includeSubdomains is only for spec.domain/),
  ],
  [
    'publishes a record for an address',
    'spec.dns',
    { address: 'orders@shop.example', dns: { publish: 'DNSEndpoint' } },
    rule(/dns.publish is only for spec.domain/),
  ],
  [
    'publishes in a way that there is not',
    'spec.dns.publish',
    { domain: 'shop.example', dns: { publish: 'Route53' } },
    ONE_OF,
  ],
  [
    'verifies a domain by mail',
    'spec.email',
    { domain: 'shop.example', email: { code: '123456' } },
    rule(/email is only for spec.address/),
  ],
  [
    'has a code that is none',
    'spec.email.code',
    { address: 'orders@shop.example', email: { code: 'a code!' } },
    PATTERN,
  ],
  [
    'signs for an address',
    'spec.dkim',
    { address: 'orders@shop.example', dkim: { signing: 'Enabled' } },
    rule(/dkim is only for spec.domain/),
  ],
  [
    'signs in a way that there is not',
    'spec.dkim.signing',
    { domain: 'shop.example', dkim: { signing: 'On' } },
    ONE_OF,
  ],
  [
    'replaces its keys all the time',
    'spec.dkim.interval',
    { domain: 'shop.example', dkim: { signing: 'Enabled', interval: '24h' } },
    rule(/between 336h/),
  ],
  [
    'asks all the time',
    'spec.recheckInterval',
    { domain: 'shop.example', recheckInterval: '1s' },
    rule(/between 5m and 720h/),
  ],
  [
    'asks at an interval that is no duration',
    'spec.recheckInterval',
    { domain: 'shop.example', recheckInterval: 'daily' },
    PATTERN,
  ],
];

const updates: readonly BadObject[] = [
  changed('SmtpPlusList', 'relayClassName', { relayClassName: 'bulk' }, { relayClassName: 'default' }),
  changed('SmtpPlusList', 'relayClassName', { relayClassName: 'bulk' }, {}),
  changed('SmtpPlusUser', 'username', { username: 'b@shop.example' }, { username: 'a@shop.example' }),
  changed('SmtpPlusUser', 'username', { username: 'b@shop.example' }, {}),
  changed('SmtpPlusUser', 'username', {}, { username: 'a@shop.example' }),
  changed('VerifiedSender', 'domain', { domain: 'b.example' }, { domain: 'a.example' }),
  changed('VerifiedSender', 'address', { address: 'b@b.example' }, { address: 'a@a.example' }),
  changed('VerifiedSender', 'domain', { address: 'a@a.example' }, { domain: 'a.example' }),
  changed('VerifiedSender', 'address', { domain: 'a.example' }, { address: 'a@a.example' }),
];

const longName: BadObject = {
  title: 'has a name that leaves no room for its namespace in the user name',
  kind: 'SmtpPlusUser',
  name: text(191),
  spec: {},
  field: 'metadata.name',
  server: /must have at most 190 characters/,
  check: /must have at most 190 characters/,
};

const REFUSED_LABELS: Says = [/Invalid value/, /must have valid (keys|values)/];

const badlyLabelled: readonly BadObject[] = [
  labelled('has a label value with spaces', 'metadata.labels', { labels: { team: 'no spaces' } }),
  labelled('has a label value that is too long', 'metadata.labels', { labels: { team: text(64) } }),
  labelled('has a label key with spaces', 'metadata.labels', { labels: { 'a b': 'c' } }),
  labelled('has a label key that is too long', 'metadata.labels', { labels: { [text(64)]: 'c' } }),
  labelled('has a label key with capitals in its prefix', 'metadata.labels', { labels: { 'Shop.example/a': 'c' } }),
  labelled('has an annotation key with two slashes', 'metadata.annotations', { annotations: { 'a/b/c': 'd' } }),
];

/** Refused when they are made. */
export const badObjects: readonly BadObject[] = [
  ...lists.map((slip) => badObject('SmtpPlusList', slip)),
  ...users.map((slip) => badObject('SmtpPlusUser', slip)),
  ...senders.map((slip) => badObject('VerifiedSender', slip)),
  longName,
  ...badlyLabelled,
];

/** Refused when they are changed; a folder of manifests has no `before`, so that `check` can't know. */
export const badUpdates = updates;

function badObject(kind: KindName, [title, field, spec, [server, check]]: Slip): BadObject {
  return { title, kind, field, spec, server, check };
}

function labelled(title: string, field: string, metadata: object): BadObject {
  const [server, check] = REFUSED_LABELS;
  return { title, kind: 'SmtpPlusList', spec: {}, metadata, field, server, check };
}

function changed(kind: KindName, field: string, spec: unknown, before: unknown): BadObject {
  const title = `has ${JSON.stringify(spec)} after ${JSON.stringify(before)}`;
  return { title, kind, spec, before, field: `spec.${field}`, server: /is immutable/, check: /is immutable/ };
}

function selecting(selector: unknown): unknown {
  return { allowedNamespaces: { from: 'Selector', selector } };
}
