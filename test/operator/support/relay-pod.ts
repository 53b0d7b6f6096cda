import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { KnownUpstreams } from '../../../relay/observe/upstream-report.ts';
import type { UsageReport } from '../../../relay/observe/usage-report.ts';
import { bodyOf } from '../../../operator/kubernetes/client/answers.ts';
import { pathOf, PODS } from '../../../operator/kubernetes/client/resources.ts';
import type { Admin } from './admin.ts';
import { OPERATOR_NAMESPACE } from './operator.ts';

type Documents = Readonly<Record<string, string>>;

/** What it tells of itself. */
interface Told {
  readonly upstreams: KnownUpstreams;
  readonly fullSince: Date | undefined;
}

/** A ready pod of a relay, as far as an API server without nodes can tell; this process answers for it. */
export async function startRelayPod(admin: Admin, name: string, relayClass = 'default') {
  let running = (): Documents => ({});
  // else statuses would tell of what was counted as soon as the operator happens to ask
  let count = (): UsageReport | undefined => undefined;
  let tell = (): Told => ({ upstreams: [], fullSince: undefined });
  const startTime = new Date().toISOString();
  const server = createServer((request, response) => {
    if (request.url === '/usage') {
      const report = count();
      response.statusCode = report === undefined ? 404 : 200;
      return response.end(JSON.stringify(report));
    }
    const { upstreams, fullSince } = tell();
    const isAboutUpstreams = request.url === '/upstreamz';
    return response.end(
      JSON.stringify(isAboutUpstreams ? { startTime, upstreams } : { documents: running(), spoolFullSince: fullSince }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // what a failed test left behind must not keep its process alive
  server.unref();
  const { port } = server.address() as AddressInfo;
  await makeReadyPod(admin, { name, relayClass, port });
  return {
    /** From now on the pod reports whatever this gives when it is asked. */
    follow: (documents: () => Documents) => {
      running = documents;
    },
    /** And tells this of itself. */
    tell: (told: () => Told) => {
      tell = told;
    },
    /** And has counted this. Until it is called, or where it gives undefined, the pod does not count. */
    count: (counted: () => UsageReport | undefined) => {
      count = counted;
    },
    /** May be called once more, after a test that has done so or has failed before it. */
    close: async () => {
      if (!server.listening) return;
      server.closeAllConnections();
      server.close();
      await admin.remove('Pod', `${OPERATOR_NAMESPACE}/${name}`);
    },
  };
}

/** A ready pod whose pages are at this port of this machine. */
export async function makeReadyPod(
  admin: Admin,
  { name, relayClass = 'default', port }: { name: string; relayClass?: string; port: number },
): Promise<void> {
  const body = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { 'smtpplus.io/relay-class': relayClass } },
    spec: { containers: [{ name: 'relay', image: 'relay', ports: [{ name: 'http', containerPort: port }] }] },
  };
  const path = pathOf(PODS, { namespace: OPERATOR_NAMESPACE });
  bodyOf(await admin.client.request({ method: 'POST', path, body }), name);
  const ready = { podIP: '127.0.0.1', podIPs: [{ ip: '127.0.0.1' }], conditions: [{ type: 'Ready', status: 'True' }] };
  await admin.patch('Pod', `${OPERATOR_NAMESPACE}/${name}`, { status: ready }, 'status');
}
