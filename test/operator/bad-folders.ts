/** Folders in which something is wrong, for whoever judges folders. */

interface BadFolder {
  /** `in which ...`. */
  readonly title: string;
  readonly files: Readonly<Record<string, string>>;
  /** It only looks wrong. */
  readonly isFine?: true;
}

const HEAD = 'apiVersion: smtpplus.io/v1alpha1';

function object(kind: string, name: string, spec = '{}', { namespace = 'shop', more = '' } = {}): string {
  return `${HEAD}\nkind: ${kind}\nmetadata: {name: ${name}, namespace: ${namespace}${more}}\nspec: ${spec}\n`;
}
const list = (name: string, spec?: string, rest?: object): string => object('SmtpPlusList', name, spec, rest);
const user = (name: string, spec?: string, rest?: object): string => object('SmtpPlusUser', name, spec, rest);
const sender = (name: string, spec?: string, rest?: object): string => object('VerifiedSender', name, spec, rest);
const secret = (name: string, rest: string): string =>
  `apiVersion: v1\nkind: Secret\nmetadata: {name: ${name}, namespace: shop}\n${rest}\n`;
const annotated = (annotation: string) => ({ more: `, annotations: {${annotation}}` });

export const badFolders: readonly BadFolder[] = [
  { title: 'in which a file is empty', files: { 'a.yaml': list('a'), 'b.yaml': '' } },
  { title: 'in which a file has a comment only', files: { 'a.yaml': list('a'), 'b.yaml': '# later\n' }, isFine: true },
  { title: 'in which a file is no YAML', files: { 'a.yaml': list('a'), 'b.yaml': 'a: [\n' } },
  { title: 'in which a file is no text', files: { 'a.yaml': list('a'), 'b.yaml': '\ufffe\u0000' } },
  { title: 'in which a document is no object', files: { 'a.yaml': `${list('a')}---\n- a list\n` } },
  { title: 'in which a kind does not exist', files: { 'a.yaml': object('SmtpPlusUsers', 'a') } },
  { title: 'in which a group is another one', files: { 'a.yaml': user('a').replace('smtpplus.io', 'smtpplus.com') } },
  { title: 'in which a name is a boolean', files: { 'a.yaml': user('yes') } },
  { title: 'in which a name has capitals', files: { 'a.yaml': user('Orders') } },
  {
    title: 'in which two files have one object, and the second is wrong besides',
    files: { 'a.yaml': user('a'), 'b.yaml': user('a', '{mode: live}') },
  },
  { title: 'in which somebody is active perhaps', files: { 'a.yaml': user('a', '{active: "maybe"}') } },
  { title: 'in which somebody is active in quotes', files: { 'a.yaml': user('a', '{active: "true"}') } },
  {
    title: 'in which one object has several slips',
    files: {
      'a.yaml': user(
        'a',
        '{activ: true, limts: {}, mode: live, clientCIDRs: [7, 10.0.0.1], senders: [a@xn--a.example]}',
      ),
    },
  },
  {
    title: 'in which an annotation of ours is misspelt',
    files: { 'a.yaml': list('a', '{}', annotated('smtpplus.io/default-lst: "true"')) },
  },
  {
    title: 'in which an annotation of ours is on the wrong kind',
    files: { 'a.yaml': user('a', '{}', annotated('smtpplus.io/default-list: "true"')) },
  },
  {
    title: 'in which an annotation of ours is neither true nor false',
    files: { 'a.yaml': list('a', '{}', annotated('smtpplus.io/default-list: "yes"')) },
  },
  {
    title: 'in which an annotation is no text',
    files: { 'a.yaml': list('a', '{}', annotated('smtpplus.io/default-list: true')) },
  },
  {
    title: 'in which a label of ours does not exist',
    files: { 'a.yaml': list('a', '{}', { more: ', labels: {smtpplus.io/default-list: "true"}' }) },
  },
  {
    title: 'in which the annotations of others are',
    files: { 'a.yaml': list('a', '{}', annotated('argocd.argoproj.io/sync-wave: "1"')) },
    isFine: true,
  },
  {
    title: 'in which a Secret holds no base64',
    files: { 'a.yaml': list('a') + '---\n' + secret('s', 'data: {a: "%"}') },
  },
  {
    title: 'in which a Secret holds a number',
    files: { 'a.yaml': list('a') + '---\n' + secret('s', 'stringData: {a: 1}') },
  },
  {
    title: 'in which a Namespace has a label that is none',
    files: {
      'a.yaml': list('a') + '---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {team: a b}}\n',
    },
  },
  {
    title: 'in which a relay class does not exist',
    files: {
      'a.yaml': list('a', '{relayClassName: bluk}') + '---\n' + user('b', '{listRef: {name: a}}'),
      'settings.yaml': 'classes:\n  default: {}\n  bulk: {}\n',
    },
  },
  {
    title: 'in which a relay class exists',
    files: { 'a.yaml': list('a', '{relayClassName: bulk}'), 'settings.yaml': 'classes:\n  default: {}\n  bulk: {}\n' },
    isFine: true,
  },
  {
    title: 'in which a list asks for more than its class allows',
    files: { 'a.yaml': list('a', '{starttls: Optional}'), 'settings.yaml': 'classes:\n  default: {}\n' },
  },
  {
    title: 'in which a user asks for more than its list allows',
    files: {
      'a.yaml':
        list('a', '{limits: {connections: 5}}') + '---\n' + user('b', '{listRef: {name: a}, limits: {connections: 9}}'),
    },
  },
  { title: 'in which a setting is misspelt', files: { 'a.yaml': list('a'), 'settings.yaml': 'hots: a\nport: 7\n' } },
  { title: 'in which the settings are no YAML', files: { 'a.yaml': list('a'), 'settings.yaml': 'a: [\n' } },
  {
    title: 'in which a list is missing',
    files: { 'a.yaml': list('a') + '---\n' + user('b', '{listRef: {name: aa}}') },
  },
  {
    title: 'in which a list takes no users of another namespace',
    files: {
      'a.yaml': list('a', '{}', { namespace: 'mail' }) + '---\n' + user('b', '{listRef: {name: a, namespace: mail}}'),
    },
  },
  {
    title: 'in which a namespace has two default lists',
    files: {
      'a.yaml':
        list('a', '{}', annotated('smtpplus.io/default-list: "true"')) +
        '---\n' +
        list('b', '{}', annotated('smtpplus.io/default-list: "true"')),
    },
  },
  {
    title: 'in which a user name is that of nobody in its namespace',
    files: { 'a.yaml': sender('s', '{domain: shop.example}') + '---\n' + user('b', '{username: b@bank.example}') },
  },
  {
    title: 'in which a password is too short',
    files: {
      'a.yaml':
        secret('own', 'stringData: {password: hunter2}') +
        '---\n' +
        user('b', '{credentials: {passwordSecretRef: {name: own}}}'),
    },
  },
];
