/** The API of custom metrics, as an adapter for Prometheus has it: what relays say of themselves now, by the name of each pod. */
import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:https';

const PORT = 8443;
const API = 'custom.metrics.k8s.io/v1beta2';
/** More than there are: a name that nobody has is no address. */
const RELAYS = ['0', '1', '2', '3'].map((number) => `smtp-plus-relay-${number}`);

const tls = { cert: readFileSync('/tls/tls.crt'), key: readFileSync('/tls/tls.key') };
const authorization = `Bearer ${readFileSync('/token/token', 'utf8')}`;

createServer(tls, ({ url = '' }, response) => {
  void answer(url, response);
}).listen(PORT);

async function answer(url: string, response: ServerResponse): Promise<void> {
  const body = await answerTo(url);
  response.writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

async function answerTo(url: string): Promise<object | undefined> {
  if (url.startsWith(`/apis/${API}?`) || url === `/apis/${API}`) return resources();
  const [, namespace, metric] = /\/namespaces\/([^/]+)\/pods\/\*\/([^/?]+)/.exec(decodeURIComponent(url)) ?? [];
  if (namespace === undefined || metric === undefined) return undefined;
  const items = await Promise.all(RELAYS.map((name) => ask(name, { namespace, metric })));
  return { kind: 'MetricValueList', apiVersion: API, metadata: {}, items: items.flat() };
}

function resources(): object {
  const pods = { name: 'pods/smtpplus_connections', singularName: '', namespaced: true, kind: 'MetricValueList' };
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: API, resources: [{ ...pods, verbs: ['get'] }] };
}

/** Empty where there is no such pod, or it does not say. */
async function ask(name: string, { namespace, metric }: { namespace: string; metric: string }): Promise<object[]> {
  const url = `http://${name}.smtp-plus-relay-pods.${namespace}.svc:9465/metrics`;
  const text = await fetch(url, { headers: { authorization } }).then(
    (response) => response.text(),
    () => '',
  );
  const value = new RegExp(`^${metric}(?:{[^}]*})? (\\S+)$`, 'm').exec(text)?.[1];
  if (value === undefined) return [];
  const describedObject = { kind: 'Pod', apiVersion: '/v1', namespace, name };
  return [{ describedObject, metric: { name: metric }, timestamp: new Date().toISOString(), value }];
}
