/**
 * What a credentials Secret contains: everything that a client needs, under the keys of Service Binding for Kubernetes.
 */
import { urlHost } from '../../api/names.ts';
import type { SecretTemplate } from '../../api/secret-template.ts';
import { LABEL_MAX, retainedBy } from './ownership.ts';
import type { ClassView, ObjectMeta, SecretPlan } from '../model.ts';
import { MANAGED_BY, MANAGED_BY_LABEL, SECRET_TYPE, USER_LABEL } from '../names.ts';
import { withTemplate } from './secret-template.ts';

interface Login {
  readonly username: string;
  readonly password: string;
  /** Annotations that say what is known of it. */
  readonly record?: Readonly<Record<string, string>>;
}

interface Wish {
  readonly owner: ObjectMeta;
  readonly name: string;
  readonly isRetained: boolean;
  readonly template?: SecretTemplate | undefined;
}

/** The Secret of a user, or undefined where its relay class tells no port yet. */
export function secretPlan(
  { owner, name, isRetained, template }: Wish,
  { username, password, record }: Login,
  view: ClassView,
): SecretPlan | undefined {
  const server = serverOf(view);
  if (server === undefined) return undefined;
  const { scheme, host, port, tls } = server;
  const login = `${encodeURIComponent(username)}:${encodeURIComponent(password)}`;
  const data = {
    type: 'smtp',
    provider: 'smtp-plus',
    host,
    port,
    username,
    password,
    uri: `${scheme}://${login}@${urlHost(host)}:${port}`,
    tls,
    ...(view.caCertificate !== undefined && { 'ca.crt': view.caCertificate }),
  };
  const labels = {
    [MANAGED_BY_LABEL]: MANAGED_BY,
    ...(owner.name.length <= LABEL_MAX && { [USER_LABEL]: owner.name }),
  };
  const annotations = {
    ...record,
    ...(isRetained && retainedBy(owner)),
  };
  const content = withTemplate({ labels, annotations, data }, template);
  return { namespace: owner.namespace, name, owner, type: SECRET_TYPE, ...content };
}

interface Server {
  readonly scheme: 'smtp' | 'smtps';
  readonly host: string;
  readonly port: string;
  readonly tls: 'STARTTLS' | 'TLS';
}

/** STARTTLS where there is a port for it: every client library knows it. */
function serverOf({ settings, ports, implicitTlsPorts }: ClassView): Server | undefined {
  const host = settings.hostname;
  const [port, implicit] = [ports[0], implicitTlsPorts[0]];
  if (port !== undefined) return { scheme: 'smtp', host, port: String(port), tls: 'STARTTLS' };
  if (implicit !== undefined) return { scheme: 'smtps', host, port: String(implicit), tls: 'TLS' };
  return undefined;
}
