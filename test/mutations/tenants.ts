/** Of what tenants may reach: the network and the Secrets of others, and what is told of others. */
import type { Mutation } from './mutation.ts';

const PLAN = ['operator/core/plan.test.ts'];
const HOSTS = ['operator/core/lists/allowed-upstream.test.ts', ...PLAN];
const CONNECTIONS = ['test/relay/delivery-allowed.test.ts'];
const RANGES = ['relay/address-ranges.test.ts'];
const PAGES = ['relay/observe/page-readers.test.ts', 'test/relay/http.test.ts'];
const LABELS = ['relay/observe/metrics.test.ts', 'relay/observe/tenant-labels.test.ts'];
const SHARES = ['test/relay/fleet-share.test.ts'];

export const tenantsMutations: readonly Mutation[] = [
  {
    name: 'recipients: the smart host finds further ones in a field of the message',
    file: 'relay/checks/hidden-recipients.ts',
    from: 'if (harmless === undefined) return false;',
    to: 'if (harmless?.size !== -1) return false;',
    tests: ['relay/checks/check-message.test.ts', 'test/relay/recipients.test.ts'],
  },
  {
    name: 'recipients: mail from before the guard leaves with such a field',
    file: 'relay/delivery/guard-queued.ts',
    from: 'judged.deliver.length === 0 ? undefined : await hidingField(content)',
    to: 'judged.deliver.length >= 0 ? undefined : await hidingField(content)',
    tests: ['test/relay/delivery-guarded.test.ts'],
  },
  {
    name: 'allowedNamespaces of a class: it takes lists of any namespace',
    file: 'operator/core/lists/lists.ts',
    from: 'if (!serves(view.settings.allowedNamespaces, guest)) {',
    to: 'if (false as boolean) {',
    tests: PLAN,
  },
  {
    name: 'allowedNamespaces of a class: a list that is shared brings in users of any namespace',
    file: 'operator/core/users/user-list.ts',
    from: 'if (!serves(servedNamespaces, guest)) {',
    to: 'if (false as boolean) {',
    tests: PLAN,
  },
  {
    name: 'allowListUpstream: a list names any host',
    file: 'operator/core/lists/allowed-upstream.ts',
    from: 'if (!isAllowedHost(hosts, host)) {',
    to: 'if (host === undefined) {',
    tests: HOSTS,
  },
  {
    name: 'allowListUpstream: a list names a host where it may name none',
    file: 'operator/core/lists/allowed-upstream.ts',
    from: 'if (hosts.length === 0) {',
    to: 'if (hosts.length < 0) {',
    tests: HOSTS,
  },
  {
    name: 'allowListUpstream: `*.` in front of a domain lets any name in that ends like it',
    file: 'operator/core/lists/allowed-upstream.ts',
    from: 'name.endsWith(entry.slice(1)) &&',
    to: 'name.endsWith(entry.slice(2)) &&',
    tests: HOSTS,
  },
  {
    name: 'allowListUpstream: an address is a host like any other',
    file: 'operator/core/lists/allowed-upstream.ts',
    from: 'isAddress(host) && !isAllowedAddress(host, view.listAddresses)',
    to: '!isAddress(host) && !isAllowedAddress(host, view.listAddresses) && false',
    tests: HOSTS,
  },
  {
    name: 'allowListUpstream: nobody looks where tokens are asked for',
    file: 'operator/core/lists/allowed-upstream.ts',
    from: 'return [smartHost, tokens];',
    to: 'return [smartHost, tokens].slice(0, 1);',
    tests: HOSTS,
  },
  {
    name: 'allowListUpstream: the relay is not told which addresses are allowed',
    file: 'operator/core/lists/upstream.ts',
    from: '    ...smartHost,\n    addresses,\n',
    to: '    ...smartHost,\n    ...(addresses && {}),\n',
    tests: PLAN,
  },
  {
    name: 'allowListUpstream: a name leads to any address',
    file: 'relay/delivery/allowed-resolve.ts',
    from: '.filter((address) => isAllowedAddress(address, allowed))',
    to: '.filter((address) => isAllowedAddress(address, allowed) || true)',
    tests: CONNECTIONS,
  },
  {
    name: 'allowListUpstream: an address that is excepted is allowed all the same',
    file: 'relay/address-ranges.ts',
    from: 'if (except.some((range) => isIn(address, range) || isIn(written, range))) return false;',
    to: '',
    tests: RANGES,
  },
  {
    name: 'upstream Secrets: a Secret without the label goes to a smart host',
    file: 'operator/core/lists/upstream.ts',
    from: "secret.labels[UPSTREAM_LABEL] === 'true'",
    to: "secret.labels[UPSTREAM_LABEL] !== 'x'",
    tests: PLAN,
  },
  {
    name: 'upstream Secrets: any value of the label will do',
    file: 'operator/core/lists/upstream.ts',
    from: "secret.labels[UPSTREAM_LABEL] === 'true'",
    to: 'secret.labels[UPSTREAM_LABEL] !== undefined',
    tests: PLAN,
  },
  {
    name: 'upstream Secrets: the one for tokens needs no label',
    file: 'operator/core/lists/upstream.ts',
    from: 'for (const secret of [login, client])',
    to: 'for (const secret of [login, client].slice(0, 1))',
    tests: PLAN,
  },
  {
    name: 'pages: any token opens them',
    file: 'relay/observe/page-readers.ts',
    from: 'if (readers.some((hash) => timingSafeEqual',
    to: 'if (digest.length > 0 || readers.some((hash) => timingSafeEqual',
    tests: PAGES,
  },
  {
    name: 'pages: they are open before a configuration has been read',
    file: 'relay/observe/page-readers.ts',
    from: "let last: Readers = 'nobody';",
    to: "let last: Readers = 'everybody';",
    tests: PAGES,
  },
  {
    name: 'pages: they open while workers are replaced',
    file: 'relay/observe/page-readers.ts',
    from: 'if (configured.length === 0) return last;',
    to: '',
    tests: PAGES,
  },
  {
    name: 'pages: the tag of a page tells who may not read it that nothing has changed',
    file: 'relay/observe/http.ts',
    from: "if (status === 200 && request.headers['if-none-match'] === etag)",
    to: "if (request.headers['if-none-match'] !== undefined)",
    tests: PAGES,
  },
  {
    name: 'labels: what is gone stays in the metrics',
    file: 'relay/observe/tenant-metrics.ts',
    from: 'for (const forget of forgetters) await forget();',
    to: '',
    tests: LABELS,
  },
  {
    name: 'labels: a namespace takes the places of others',
    file: 'relay/observe/tenant-labels.ts',
    from: 'placed.sort((a, b) => a.place - b.place)',
    to: 'placed',
    tests: LABELS,
  },
  {
    name: 'labels: there is no bound',
    file: 'relay/observe/tenant-labels.ts',
    from: 'list: list.slice(0, most)',
    to: 'list',
    tests: LABELS,
  },
  {
    name: 'limits: each relay allows all of it',
    file: 'relay/submission/fleet-share.ts',
    from: 'Math.ceil(limit / relays)',
    to: 'limit + relays - relays',
    tests: SHARES,
  },
  {
    name: 'limits: a small one lets nothing through',
    file: 'relay/submission/fleet-share.ts',
    from: 'Math.ceil(limit / relays)',
    to: 'Math.floor(limit / relays)',
    tests: SHARES,
  },
];
