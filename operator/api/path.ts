/** A way into an object, from its root: `['spec', 'senders', 2]`. */
export type Path = readonly (string | number)[];

/** `spec.senders[2]`. */
export function formatPath(path: Path): string {
  return path.map((step, i) => (typeof step === 'number' ? `[${step}]` : i === 0 ? step : `.${step}`)).join('');
}
