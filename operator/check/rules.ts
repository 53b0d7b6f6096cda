/** What findings are about. Filters and programs use these names: they must not change. */

interface RuleText {
  /** A few words. */
  readonly title: string;
  /** What it means for mail, and what to do. */
  readonly help: string;
}

export const rules = {
  unreadable: {
    title: 'A file or folder cannot be read',
    help: 'Nobody knows what it says. Make it readable, or leave it out of what is checked.',
  },
  'nothing-found': {
    title: 'There is no object to check',
    help: 'A gate that looks in the wrong place would let everything pass. Correct the path.',
  },
  'empty-file': {
    title: 'A file is empty',
    help: 'Delete it, or leave a comment in it: where it held objects before, they stay in force until one of the two is done.',
  },
  syntax: {
    title: 'A file is not YAML',
    help: 'Nothing in the file is taken. Correct the YAML at this place or just before it.',
  },
  shape: { title: 'A document is no Kubernetes object', help: 'Write it as one, or move it elsewhere.' },
  'unknown-kind': { title: 'A kind does not exist', help: 'Correct kind or apiVersion: the object has no effect.' },
  'foreign-group': {
    title: 'A kind is in a group that does not have it',
    help: 'Correct apiVersion: the object has no effect.',
  },
  'bad-name': { title: 'A name is not valid', help: 'Give the object a name that an API server accepts.' },
  duplicate: { title: 'Two objects have one name', help: 'Remove or rename one of them: only the first counts.' },
  'too-many': { title: 'There are too many objects', help: 'Check a part of them at a time.' },
  settings: { title: 'A setting is not valid', help: 'The process would not start with this settings file.' },
  schema: { title: 'A value is not valid', help: 'An API server refuses the object; from a file, it is not taken.' },
  'unknown-field': {
    title: 'A field does not exist',
    help: 'It does nothing: an API server that is not asked to be strict drops it without a word.',
  },
  'unknown-annotation': {
    title: 'An annotation or label of smtpplus.io does not exist',
    help: 'It does nothing: nobody reads annotations and labels of this name.',
  },
  ListNotFound: {
    title: 'A list does not exist',
    help: 'The user cannot log in. Correct the reference, or create the list.',
  },
  ListNotInFolder: { title: 'A list is not among what is checked', help: 'Make sure that the cluster has it.' },
  ListNotAccepted: {
    title: 'The built-in list cannot be used',
    help: 'Name a list, or have the settings define the class default.',
  },
  NamespaceNotAllowed: {
    title: 'A list does not take users of this namespace',
    help: 'The user cannot log in. The owner of the list allows namespaces in spec.allowedNamespaces.',
  },
  NamespaceNotInFolder: {
    title: 'A namespace is not among what is checked',
    help: 'Make sure that its labels match the selector of the list.',
  },
  RelayClassNotFound: {
    title: 'A relay class does not exist',
    help: 'Nobody serves the list. The settings define the classes.',
  },
  RelayClassNotAllowed: {
    title: 'A relay class does not serve this namespace',
    help: 'Users cannot log in. The settings open classes to namespaces (allowedNamespaces of the class).',
  },
  RelayClassNotKnown: {
    title: 'A relay class cannot be looked up',
    help: 'Without a settings file only the class default is known. Name the file with --settings.',
  },
  ClassFloor: { title: 'A list asks for more than its class allows', help: 'The setting of the class stays in force.' },
  ListCeiling: { title: 'A limit is above that of the list', help: 'The limit of the list stays in force.' },
  UsernameNotAllowed: {
    title: 'A user name is not covered by a VerifiedSender',
    help: 'The user cannot log in. Use NAME.NAMESPACE, or an address that a VerifiedSender of the namespace covers.',
  },
  UsernameTaken: { title: 'Two users want one name', help: 'Only one of them can have it. Give one of them another.' },
  NotTheDefault: {
    title: 'A namespace has several default lists',
    help: 'Only the first counts. Remove the annotation from the others.',
  },
  TooManyUsers: {
    title: 'A namespace has more users than are served',
    help: 'Those beyond cannot log in. Delete some, or have the settings allow more (namespaceLimits).',
  },
  TooManyLists: {
    title: 'A namespace has more lists than are served',
    help: 'Users of those beyond cannot log in. Delete some, or have the settings allow more (namespaceLimits).',
  },
  TooManySenders: {
    title: 'A namespace has more VerifiedSenders than are served',
    help: 'Nobody can send as those beyond. Delete some, or have the settings allow more (namespaceLimits).',
  },
  SecretNotInFolder: { title: 'A Secret is not among what is checked', help: 'Make sure that the cluster has it.' },
  PublicSuffix: {
    title: 'Nobody can prove this domain',
    help: 'Strangers register names below it. Name your own domain, or have the platform owner list it under existingSenders.',
  },
  SecretNotOwned: {
    title: 'A Secret belongs to somebody else',
    help: 'Credentials are never written over it. Choose another name.',
  },
  SecretNotLabelled: {
    title: 'A Secret is not labelled as one for smart hosts',
    help: 'Mail waits. If its password is for the smart host of the list, label it smtpplus.io/upstream: "true".',
  },
  KeyNotFound: { title: 'A Secret lacks a key', help: 'Add the key, or name another.' },
  UpstreamNotAllowed: {
    title: 'The class does not let lists name this smart host',
    help: 'Mail waits. Name a host that the class allows, or have the settings allow it (allowListUpstream).',
  },
  CertificateInvalid: {
    title: 'A CA bundle is not valid',
    help: 'Mail waits until the Secret holds certificates in PEM.',
  },
  CredentialsInvalid: {
    title: 'Credentials for a smart host are not valid',
    help: 'Mail waits until the Secret is mended.',
  },
  PasswordUnacceptable: {
    title: 'A password is not acceptable',
    help: 'The user cannot log in with it. Choose another.',
  },
  NotCovered: {
    title: 'A sender is not covered by a VerifiedSender',
    help: 'The user cannot send as it. Create a VerifiedSender for it, or remove it.',
  },
  NoVerifiedSender: {
    title: 'A user can send as nobody',
    help: 'It is to be active, and is not before it has a verified sender.',
  },
} satisfies Readonly<Record<string, RuleText>>;

export type RuleName = keyof typeof rules;
