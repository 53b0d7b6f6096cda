/** Builders of relay configuration with sane defaults: a test names only what it is about. */
import {
  classDocumentSchema,
  type ClassDocument,
  type DkimSigner,
  type ListConfig,
  type RelayConfig,
  type SenderRule,
  type SessionSettings,
  type UnusableUser,
  type UserConfig,
} from '../../relay/config/config.ts';
import { sha256Verifier } from '../../relay/password-hash.ts';

export const NAMESPACE = 'shop';
export const LIST = 'shop/transactional';
export const USER = 'orders.shop';
export const PASSWORD = 'correct-horse-battery-staple';
/** Verifier of PASSWORD. */
export const VERIFIER = sha256Verifier(PASSWORD, Buffer.alloc(16, 7));

export function aClass(
  overrides: Partial<Omit<ClassDocument, 'session'>> & { session?: Partial<SessionSettings> } = {},
): ClassDocument {
  const { session, ...rest } = overrides;
  return classDocumentSchema.parse({
    version: 1,
    name: 'default',
    shards: 32,
    hostname: 'relay.example',
    starttls: 'Required',
    delivery: {},
    ...rest,
    session: session ?? {},
  });
}

export function aList(overrides: Partial<ListConfig> = {}): ListConfig {
  return {
    suspended: false,
    starttls: 'Required',
    upstream: { kind: 'capture' },
    senderPolicy: {
      envelopeFrom: 'Enforce',
      headerFrom: 'Enforce',
      displayName: 'Refuse',
      sender: 'Any',
      replyTo: 'Any',
      nullSender: 'Refuse',
      bcc: 'Drop',
    },
    delivery: { mode: 'Spool', maxAgeSeconds: 432_000, delayNoticeAfterSeconds: 14_400 },
    ...overrides,
  };
}

export function aUser(
  overrides: Partial<Omit<UserConfig, 'limits'>> & { limits?: Partial<UserConfig['limits']> } = {},
): UserConfig {
  const { limits, ...rest } = overrides;
  return {
    object: 'shop/orders',
    namespace: NAMESPACE,
    list: LIST,
    active: true,
    mode: 'Live',
    credentials: [{ verifier: VERIFIER }],
    clientCIDRs: [],
    ...rest,
    limits: { messageBytes: 10 * 1024 * 1024, recipientsPerMessage: 100, connections: 50, ...limits },
  };
}

export function aSender(overrides: Partial<SenderRule> = {}): SenderRule {
  return {
    sender: '@shop.example',
    includeSubdomains: false,
    verified: true,
    object: 'shop/shop-example',
    ...overrides,
  };
}

/** One class, one list, one user who may send as anybody at shop.example; everything can be replaced. */
export function aConfig({
  relayClass = aClass(),
  lists = { [LIST]: aList() },
  users = { [USER]: aUser() },
  unusable = {},
  namespaces = { shop: [aSender()] },
  dkim = {},
}: {
  relayClass?: ClassDocument;
  lists?: Record<string, ListConfig>;
  users?: Record<string, UserConfig>;
  unusable?: Record<string, UnusableUser>;
  namespaces?: Record<string, SenderRule[]>;
  dkim?: Record<string, DkimSigner>;
} = {}): RelayConfig {
  return {
    class: relayClass,
    lists: new Map(Object.entries(lists)),
    users: new Map(Object.entries(users)),
    unusable: new Map(Object.entries(unusable)),
    namespaces: new Map(Object.entries(namespaces)),
    dkim: new Map(Object.entries(dkim)),
  };
}
